"""Filling in templates: literally, once, in linear time; and what is refused."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.messages import Message
from app.domain.prompt_templates import (
    MAX_RENDERED_BYTES,
    ExampleTurn,
    InvalidVariables,
    PromptTemplate,
    TemplateError,
    Variable,
    render,
    text_in,
)
from app.domain.template_check import check_template

NOW = datetime(2026, 1, 1, tzinfo=UTC)
ANY = Variable("any", "string", {"en": "anything"})
SIZE = Variable("size", "number", {}, default=3)
DEEP = Variable("deep", "boolean", {}, default=False)
KIND = Variable("kind", "enum", {}, required=True, values=("a", "b"))


def template(system: str, *variables: Variable, **fields: Any) -> PromptTemplate:
    return PromptTemplate(
        "test", {"en": "T"}, {"en": "D"}, "multi", system, NOW, NOW, variables=variables, **fields
    )


def system(system_text: str, *variables: Variable, **values: object) -> str:
    made = template(system_text, *variables)
    check_template(made)
    head = render(made, values).head
    return head[0].content if head else ""


def problems(made: PromptTemplate, **values: object) -> list[tuple[str, str]]:
    with pytest.raises(InvalidVariables) as caught:
        render(made, values)
    return [(".".join(map(str, p.field)), p.kind) for p in caught.value.problems]


def test_values_take_their_places_wherever_they_are_named() -> None:
    assert system("{{any}} and {{ any }}{{any}}.", ANY, any="x") == "x and xx."


@pytest.mark.parametrize(
    "value",
    ["{{any}}", "{{size}}", "{{ size }}", "{{", "}}", "\\1", "\\g<1>", "%s", "{0}", "$any", "{%"],
)
def test_a_value_is_never_read_again(value: str) -> None:
    assert system("<{{any}}>{{size}}", ANY, SIZE, any=value) == f"<{value}>3"


def test_values_side_by_side_make_no_new_placeholder() -> None:
    left, right = Variable("l", "string", {}), Variable("r", "string", {})
    assert system("{{l}}{{r}}size}}", left, right, SIZE, l="{", r="{") == "{{size}}"


@given(st.text(), st.text(), st.text())
def test_any_text_goes_through_unchanged(before: str, value: str, after: str) -> None:
    before, after = before.replace("{{", ""), after.replace("{{", "")
    made = template(f"{before}[{{{{any}}}}]{after}", ANY)
    try:
        rendered = render(made, {"any": value})
    except InvalidVariables:
        assert len((before + value + after).encode()) + 2 > MAX_RENDERED_BYTES
        return
    assert rendered.head[0].content == f"{before}[{value}]{after}"


@pytest.mark.parametrize(
    ("value", "text"),
    [(1, "1"), (-0.5, "-0.5"), (2.0, "2.0"), (10**20, "1" + "0" * 20), (1e300, "1e+300")],
)
def test_numbers_are_written_as_json_writes_them(value: float, text: str) -> None:
    assert system("{{size}}", SIZE, size=value) == text


@pytest.mark.parametrize(("value", "text"), [(True, "true"), (False, "false"), (None, "false")])
def test_booleans_are_written_as_json_writes_them(value: object, text: str) -> None:
    assert system("{{deep}}", DEEP, deep=value) == text


def test_what_is_left_out_is_its_default_or_nothing() -> None:
    assert system("{{size}}|{{any}}|", SIZE, ANY) == "3||"
    assert system("{{size}}|{{any}}|", SIZE, ANY, size=None, any=None) == "3||"


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({}, [("variables.kind", "missing")]),
        ({"kind": None}, [("variables.kind", "missing")]),
        ({"kind": "c"}, [("variables.kind", "literal_error")]),
        ({"kind": ["a"]}, [("variables.kind", "literal_error")]),
        ({"kind": "A"}, [("variables.kind", "literal_error")]),
        ({"kind": "a", "size": "3"}, [("variables.size", "float_type")]),
        ({"kind": "a", "size": True}, [("variables.size", "float_type")]),
        ({"kind": "a", "deep": 1}, [("variables.deep", "bool_type")]),
        ({"kind": "a", "deep": "true"}, [("variables.deep", "bool_type")]),
        ({"kind": "a", "any": 5}, [("variables.any", "string_type")]),
        ({"kind": "a", "any": {}}, [("variables.any", "string_type")]),
        ({"kind": "a", "other": "x"}, [("variables.other", "variable_unknown")]),
        ({"x": 1, "kind": 5}, [("variables.x", "variable_unknown"),
                               ("variables.kind", "literal_error")]),
    ],
)  # fmt: skip
def test_every_value_that_does_not_suit_is_named(
    values: dict[str, object], expected: list[tuple[str, str]]
) -> None:
    assert problems(template("{{any}}{{size}}", ANY, SIZE, DEEP, KIND), **values) == expected


def test_an_empty_text_is_a_value() -> None:
    required = Variable("any", "string", {}, required=True)
    assert system("[{{any}}]", required, any="") == "[]"


@pytest.mark.parametrize("letter", ["x", "한", "👩"])
def test_the_whole_is_bounded_in_bytes_to_the_byte(letter: str) -> None:
    size = len(letter.encode())
    made = template("{{any}}" + "x" * (MAX_RENDERED_BYTES % size), ANY)
    fitting = letter * (MAX_RENDERED_BYTES // size)
    assert len(render(made, {"any": fitting}).head[0].content.encode()) == MAX_RENDERED_BYTES
    assert problems(made, any=fitting + "x") == [("variables", "rendered_too_long")]


def test_many_places_for_a_long_value_take_no_memory() -> None:
    made = template("{{any}}" * 9_000, ANY)
    assert problems(made, any="x" * 2**20) == [("variables", "rendered_too_long")]


def test_examples_are_turns_and_are_filled_in_too() -> None:
    made = template("s", SIZE, examples=(ExampleTurn("u{{size}}", "a"), ExampleTurn("v", "b")))
    check_template(made)
    assert render(made, {}).head == (
        Message("system", "s"), Message("user", "u3"), Message("assistant", "a"),
        Message("user", "v"), Message("assistant", "b"),
    )  # fmt: skip
    assert render(template("", examples=made.examples[1:]), {}).head[0].role == "user"


WRONG_TEMPLATES = {
    "a placeholder without variable": (template("{{other}}", ANY), "system", "placeholder"),
    "braces that are no placeholder": (template("{{ 1 }}", ANY), "system", "placeholder"),
    "an expression": (template("{{any.__class__}}", ANY), "system", "placeholder"),
    "a capital": (template("{{Any}}", ANY), "system", "placeholder"),
    "unclosed": (template("{{any", ANY), "system", "placeholder"),
    "a line break inside": (template("{{any\n}}", ANY), "system", "placeholder"),
    "in an example": (
        template("", examples=(ExampleTurn("x", "{{y}}"),)), "examples.0.assistant", "placeholder"
    ),
    "a name": (template("", Variable("a-b", "string", {})), "variables.0.name", "variable_name"),
    "twice": (template("", ANY, ANY), "variables.1.name", "variable_twice"),
    "an enum of nothing": (template("", Variable("a", "enum", {})), "variables.0.values",
                           "enum_values"),
    "values of a text": (template("", Variable("a", "string", {}, values=("x",))),
                         "variables.0.values", "enum_values"),
    "a default of another type": (template("", Variable("a", "number", {}, default="1")),
                                  "variables.0.default", "float_type"),
    "a default that is required": (template("", Variable("a", "string", {}, True, "x")),
                                   "variables.0.default", "required_default"),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG_TEMPLATES)
def test_a_template_that_contradicts_itself_is_refused(name: str) -> None:
    made, field, kind = WRONG_TEMPLATES[name]
    with pytest.raises(TemplateError) as caught:
        check_template(made)
    assert [(".".join(map(str, p.field)), p.kind) for p in caught.value.problems] == [(field, kind)]


@pytest.mark.parametrize("text", ["}}", "{ {any} }", "{any}", "{{{any}}}", "{{any}}{", "${x}"])
def test_other_braces_are_text(text: str) -> None:
    assert system(text, ANY, any="x") == text.replace("{{any}}", "x")


def test_a_text_comes_in_the_language_that_is_asked_for() -> None:
    assert text_in({"en": "a", "ko": "b"}, "ko") == "b"
    assert text_in({"ko": "b"}, "en") == "b"
    assert text_in({}, "en") == ""
