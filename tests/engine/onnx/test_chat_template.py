"""The weights' chat template: what it can do, and what it cannot."""

import pytest

from app.engine.backends.base import LoadError
from app.engine.backends.chat_prompt import TemplateRefused
from app.engine.onnx import template_limits
from app.engine.onnx.chat_template import ChatTemplate

MESSAGES = [{"role": "user", "content": "1 < 2 & <b>안녕</b>"}]
DOUBLING = (
    "{{% set n = namespace(x={start}) %}}{{% for i in range(99) %}}"
    "{{% set n.x = n.x {operator} n.x %}}{{% endfor %}}"
)
HOARD = (
    "{% set n = namespace(x=[]) %}"
    "{% for i in range(99999) %}{% set n.x = n.x + ['x' * 99999] %}{% endfor %}"
)
TOKENS = {"bos_token": "<s>", "eos_token": "</s>"}


def rendered(text: str, messages: list[dict[str, str]] = MESSAGES) -> str:
    return ChatTemplate(text, TOKENS, "m").render(messages)


def test_blanks_are_trimmed_as_transformers_does() -> None:
    text = "{% for m in messages %}\n  {% if true %}\n{{ m.content }}\n  {% endif %}\n{% endfor %}"
    assert rendered(text) == "1 < 2 & <b>안녕</b>\n"


def test_names_that_templates_use_are_there() -> None:
    assert (
        rendered("{{ bos_token }}{{ add_generation_prompt }}{{ tools is none }}") == "<s>TrueTrue"
    )
    assert rendered("{{ messages[0] | tojson }}").endswith('"content": "1 < 2 & <b>안녕</b>"}')
    assert rendered("{{ {'b': 1, 'a': 2} | tojson(indent=1) }}") == '{\n "b": 1,\n "a": 2\n}'
    assert rendered("{{ strftime_now('%Y') | length }}") == "4"
    assert rendered("{% generation %}x{{ 1 }}{% endgeneration %}y") == "x1y"
    assert (
        rendered("{% for i in [1, 2, 3] %}{% if i == 2 %}{% break %}{% endif %}{{ i }}{% endfor %}")
        == "1"
    )
    assert (
        rendered("{% for i in range(3) %}{{ loop.index ~ '.' ~ i }} {% endfor %}") == "1.0 2.1 3.2 "
    )


@pytest.mark.parametrize(
    "text",
    [
        "{{ raise_exception('no') }}",
        "{{ messages.x.y }}",
        "{{ 1 // 0 }}",
        "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}",
        "{{ messages.append(1) }}",
        "{{ ''.__class__.__mro__ }}",
        "{{ cycler.__init__.__globals__ }}",
    ],
)
def test_what_goes_wrong_is_a_refusal(text: str) -> None:
    with pytest.raises(TemplateRefused):
        rendered(text)


@pytest.mark.parametrize(
    "text",
    [
        "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}",
        "{% for a in 'abc' * 9999 %}{% for b in range(9999) %}{% endfor %}{% endfor %}",
        DOUBLING.format(start="'a'", operator="~"),
        DOUBLING.format(start="['a']", operator="+"),
        "{{ 'x' * 9999999999 }}",
        "{{ 9 ** 99999999 }}",
        "{{ 99 ** 64 ** 64 }}",
        "{% for i in range(99999) %}{{ 'x' * 9999 }}{% endfor %}",
        "{{ 'a'.center(300000000) }}",
        "{{ '1'.zfill(300000000) }}",
        "{{ '{:300000000}'.format(1) }}",
        "{{ '{:{w}}'.format(1, w=300000000) }}",
        "{{ '%300000000d' % 1 }}",
        "{{ '%*d' % (300000000, 1) }}",
        "{{ ('\t' * 99999).expandtabs(99999) }}",
        "{{ messages | tojson(indent=300000000) }}",
        "{{ ('a\n' * 1000) | indent(3000000) }}",
        "{{ ('a\n' * 1000000) | indent(90000) }}",
        "{{ ('a' * 1000000).replace('a', 'b' * 1000000) }}",
        "{{ ('a' * 1000000) | replace('a', 'b' * 1000000) }}",
        "{{ ('a' * 1000000).translate({97: 'b' * 1000000}) }}",
        "{{ range(99999) | join('b' * 1000000) }}",
        "{{ ['a'] | map('replace', 'a', 'b' * 9) | join('b' * 9000000) }}",
        "{{ ('b' * 1000000).join(['a'] * 1000000) }}",
        "{{ ([[[[['a' * 1000000] * 8] * 8] * 8] * 8] * 8) | tojson }}",
        "{{ ([[[[['a' * 1000000] * 8] * 8] * 8] * 8] * 8) | string }}",
        "{{ [[[[['a' * 1000000] * 8] * 8] * 8] * 8] * 8 }}",
        "{{ '' ~ [[[[['a' * 1000000] * 8] * 8] * 8] * 8] * 8 }}",
        HOARD,
    ],
)
def test_a_template_without_end_is_ended(text: str) -> None:
    with pytest.raises(TemplateRefused):
        rendered(text)


def test_calls_without_end_are_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    """2 to the 60th calls, and no loop."""
    monkeypatch.setattr(template_limits, "MAX_SECONDS", 0.05)
    with pytest.raises(TemplateRefused):
        rendered(
            "{% macro m(n) %}{% if n %}{{ m(n - 1) }}{{ m(n - 1) }}{% endif %}{% endmacro %}"
            "{{ m(60) }}"
        )


def test_every_rendering_counts_anew() -> None:
    template = ChatTemplate("{% for i in range(90000) %}{% endfor %}", {}, "m")
    assert [template.render(MESSAGES) for _ in range(4)] == [""] * 4


def test_filters_that_templates_use_are_there() -> None:
    assert rendered("{{ ' a ' | trim | upper }}{{ 'ab' | replace('b', 'c') }}") == "Aac"
    assert rendered("{{ ['b', 'a'] | sort | join(', ') }}") == "a, b"
    assert rendered("{{ messages | map(attribute='role') | list | length }}") == "1"
    assert rendered("{{ messages | selectattr('role', 'equalto', 'user') | list | count }}") == "1"
    assert rendered("{{ messages | rejectattr('role', 'equalto', 'user') | list }}") == "[]"
    assert rendered("{{ {'b': 1}.items() | list }}{{ {'a': 1} | dictsort }}") == (
        "[('b', 1)][('a', 1)]"
    )
    assert rendered("{{ 'a\nb' | indent(2) }}|{{ 'a,b'.split(',') | last }}") == "a\n  b|b"
    assert rendered("{{ '%s is %d' % ('x', 2024) }}{{ '{:>4}'.format(7) }}") == "x is 2024   7"


DEEP = "{% for a in [1] %}" * 40 + "{% endfor %}" * 40
BROKEN = (
    *("{% if %}", "{{", "{% include 'x' %}{% nonsense %}", "{{ 'a' | center(9) }}", DEEP),
    *("{{" + "(" * 6000 + "1" + ")" * 6000 + "}}", "{{ a }}" * 200_000),
)


@pytest.mark.parametrize("text", BROKEN, ids=lambda text: text[:20])
def test_a_broken_template_is_told_when_loading(text: str) -> None:
    with pytest.raises(LoadError) as caught:
        ChatTemplate(text, {}, "m")
    assert caught.value.text == "onnx_chat_template"


@pytest.mark.parametrize("text", ["{{ raise_exception('no') }}", "{{ 'x' * 9999999999 }}"])
def test_a_template_that_takes_nothing_is_told_when_loading(text: str) -> None:
    with pytest.raises(LoadError) as caught:
        ChatTemplate(text, {}, "m").try_once("m")
    assert caught.value.text == "onnx_chat_template"
