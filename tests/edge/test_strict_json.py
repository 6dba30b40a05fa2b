"""What the strict parser takes is JSON, and what it refuses it names."""

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.errors import SllmError
from app.edge.strict_json import MAX_DEPTH, parse

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
NUMBERS = st.integers(-(2**63), 2**63) | st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=20,
)


def refusal(body: bytes) -> SllmError:
    with pytest.raises(SllmError) as caught:
        parse(body)
    assert caught.value.code == "invalid_json"
    return caught.value


@given(VALUES, st.booleans())
def test_takes_what_json_dumps_writes(value: Any, ascii_only: bool) -> None:
    assert parse(json.dumps(value, ensure_ascii=ascii_only).encode()) == value


@given(st.binary(max_size=60))
def test_raises_nothing_but_its_own_error(body: bytes) -> None:
    with suppress(SllmError):
        parse(body)


@given(st.text('{}[]",:\\ud80a1eE+-. \n', max_size=40))
def test_takes_nothing_that_the_standard_parser_refuses(text: str) -> None:
    try:
        value = parse(text.encode())
    except SllmError:
        return
    assert value == json.loads(text)


@pytest.mark.parametrize(
    ("body", "text", "param"),
    [
        (b'{"history": [{"content": "\\ud800"}]}', "json_text", "history.0.content"),
        (b'{"message": "a\\u0000"}', "json_text", "message"),
        (b'{"temperature": 1e999}', "json_number", "temperature"),
        (b'{"seed": ' + b"1" * 21 + b"}", "json_number", "seed"),
        (b'{"a": {"stop": [0, NaN]}}', "json_number", "a.stop.1"),
        (b'{"message": 1, "message": 2}', "json_duplicate_key", "message"),
        (b'{"<script>": NaN}', "json_number", "?"),
        (b"NaN", "json_number", None),
    ],
)
def test_names_the_place(body: bytes, text: str, param: str | None) -> None:
    error = refusal(body)
    assert (error.text, error.param) == (text, param)


def test_names_the_line_of_a_syntax_error() -> None:
    error = refusal(b'{\n "message": }')
    assert error.values == {"line": 2, "column": 13}


def test_depth_is_exact() -> None:
    assert parse(b"[" * MAX_DEPTH + b"]" * MAX_DEPTH)
    assert refusal(b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1)).text == "json_too_deep"


@pytest.mark.parametrize(
    "text", ['"[[[["', '"\\"[[[["', '"\\\\"', '"\\\\\\"[[["', '{"[": "{\\\\"}']
)
def test_brackets_in_texts_are_no_depth(text: str) -> None:
    deepest = "[" * (MAX_DEPTH - 1) + text + "]" * (MAX_DEPTH - 1)
    assert parse(deepest.encode()) == json.loads(deepest)


def test_surrogate_pairs_are_text() -> None:
    assert parse(b'"\\ud83d\\ude00"') == "😀"
    assert parse(b'"\\\\u0000"') == "\\u0000"
