"""Imports that are broken: what is good is kept, what is not is named and skipped."""

import json
from typing import Any

import pytest

from tests.support import Server
from tests.v4.chatgpt import conversation, node, simple
from tests.v4.transfers import PATH, bring, plain


def test_the_good_ones_are_kept(scripted: Server) -> None:
    body = [
        plain("good", title="first"),
        {"format": "sllm.conversation", "version": 2, "title": "newer"},
        {
            **plain("x", title="wrong role"),
            "messages": [{**plain("x")["messages"][0], "role": "x"}],
        },
        conversation({"a": node("a")}, title="circle"),
        7,
        {"something": "else"},
        plain("good", title="last"),
    ]
    told = bring(scripted.http, body)
    assert told["imported"] == len(told["conversations"]) == 2
    assert [(each["index"], each["title"]) for each in told["skipped"]] == [
        (2, "newer"), (3, "wrong role"), (4, "circle"), (5, None), (6, None)
    ]  # fmt: skip
    reasons = [each["reason"] for each in told["skipped"]]
    assert "newer version" in reasons[0]
    assert "messages.0.role" in reasons[1]
    assert "circle" in reasons[2]
    korean = bring(scripted.http, body, headers={"Accept-Language": "ko"})["skipped"]
    assert all(any("가" <= c <= "힣" for c in each["reason"]) for each in korean)


def test_broken_lines_are_counted_as_lines(scripted: Server) -> None:
    good = json.dumps(plain("x")).encode()
    told = bring(scripted.http, b"{broken\n\n" + good + b"\n" + good[:-9] + b"\n" + good)
    assert told["imported"] == 2
    assert [each["index"] for each in told["skipped"]] == [1, 4]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "invalid_json"),
        (b" \n ", "invalid_json"),
        (b"hello", "invalid_json"),
        (b"{", "invalid_json"),
        (b"[" * 100_000, "invalid_parameter"),
        (b'{"a":' * 100_000, "invalid_json"),
        ("{}".encode("utf-16"), "invalid_json"),
        (b'{"a": NaN}', "invalid_json"),
        (b"7", "invalid_parameter"),
        (b'"x"', "invalid_parameter"),
        (b"{}", "invalid_parameter"),
        (b"[{}, {}]", "invalid_parameter"),
        (b'{"format": "other", "version": 1}', "invalid_parameter"),
        (b"{}\n" * 5000, "invalid_parameter"),
        (b'{"mapping": 5}', "invalid_parameter"),
    ],
    ids=lambda value: repr(value)[:30],
)
def test_nothing_of_the_kind(scripted: Server, body: bytes, code: str) -> None:
    assert bring(scripted.http, body, expect=400)["error"]["code"] == code


def test_an_empty_array_is_an_empty_import(scripted: Server) -> None:
    assert bring(scripted.http, []) == {"imported": 0, "skipped": [], "conversations": []}


@pytest.mark.parametrize("media_type", ["text/plain", "application/xml", "multipart/form-data", ""])
def test_other_media_types(scripted: Server, media_type: str) -> None:
    headers = {"Content-Type": media_type}
    answer = scripted.http.post(f"{PATH}/import", content=b"[]", headers=headers)
    assert (answer.status_code, answer.json()["error"]["param"]) == (415, "Content-Type")


FIRST = plain("x")["messages"][0]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"title": "x" * 201}, "title"),
        ({"title": None}, "title"),
        ({"metadata": {"k": 5}}, "metadata"),
        ({"metadata": {str(n): "v" for n in range(17)}}, "metadata"),
        ({"metadata": {"k": "v" * 513}}, "metadata"),
        ({"created_at": "2026-01-01T00:00:00"}, "created_at"),
        ({"created_at": "soon"}, "created_at"),
        ({"messages": {}}, "messages"),
        ({"messages": [FIRST, FIRST]}, "messages"),
        ({"messages": [{**FIRST, "parent_id": "gone"}]}, "messages"),
        ({"messages": [{**FIRST, "parent_id": "m0"}]}, "messages"),
        ({"messages": [{**FIRST, "content": None}]}, "messages.0.content"),
        ({"messages": [{**FIRST, "content": "a\0b"}]}, "messages.content"),
        ({"messages": [{**FIRST, "content": "가" * 400_000}]}, "messages.0.content"),
        ({"messages": [{**FIRST, "status": "done"}]}, "messages.0.status"),
        ({"messages": [{**FIRST, "usage": {"prompt_tokens": 1}}]}, "messages.0.usage"),
        ({"messages": [{**FIRST, "pictures": []}]}, "messages.0.pictures"),
        ({"current_message_id": "gone"}, "current_message_id"),
        ({"setup": {"options": {"temperature": 99}}}, "setup.options.temperature"),
        ({"setup": {"options": {"n_discard": 1}}}, "setup.options.n_discard"),
        ({"setup": {"options": {"stop": ["a\0"]}}}, "setup.options"),
        ({"setup": {"head": [{"role": "system", "content": "\0"}]}}, "system_prompt"),
        ({"setup": {"template": "../x"}}, "setup.template"),
        ({"surprise": 1}, "surprise"),
    ],
    ids=lambda value: json.dumps(value)[:60],
)
def test_a_wrong_field_is_named(scripted: Server, change: dict[str, Any], field: str) -> None:
    told = bring(scripted.http, [{**plain("x"), **change}])
    assert told["imported"] == 0
    [skipped] = told["skipped"]
    assert field in skipped["reason"]


def test_texts_that_are_none_are_skipped(scripted: Server) -> None:
    """Half a surrogate pair, and bytes that are no UTF-8, beside a conversation that is good."""
    good = json.dumps(plain("good")).encode()
    half = good.replace(b"good", b"\\ud83d")
    raw = good.replace(b"good", b"\xff\xfe")
    told = bring(scripted.http, b"\n".join([half, good, raw]))
    assert (told["imported"], [each["index"] for each in told["skipped"]]) == (1, [1, 3])
    nul = simple()
    nul["mapping"]["q1"]["message"]["content"]["parts"] = ["a\0b"]
    assert "NUL" in bring(scripted.http, [nul])["skipped"][0]["reason"]
