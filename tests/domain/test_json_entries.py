"""Cutting bodies into entries: every item is found whole, and what is broken stays visible."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain import json_entries
from app.domain.json_entries import entries

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
OBJECTS = st.dictionaries(st.text(), VALUES, max_size=3)


@given(st.lists(VALUES, max_size=5), st.sampled_from([None, 0, 2]), st.booleans())
def test_items_of_an_array(values: list[Any], indent: int | None, ascii: bool) -> None:
    body = json.dumps(values, indent=indent, ensure_ascii=ascii).encode("utf-8", "surrogatepass")
    found = list(entries(body))
    assert [number for number, _ in found] == list(range(1, len(values) + 1))
    assert [json.loads(raw) for _, raw in found] == values


@given(st.lists(OBJECTS, min_size=2, max_size=5))
def test_lines(values: list[Any]) -> None:
    body = "\r\n\n".join(map(json.dumps, values)).encode()
    found = list(entries(body))
    assert [number for number, _ in found] == list(range(1, 2 * len(values), 2))
    assert [json.loads(raw) for _, raw in found] == values


@given(OBJECTS, st.sampled_from([None, 2]))
def test_a_single_object(value: Any, indent: int | None) -> None:
    [(number, raw)] = entries(json.dumps(value, indent=indent).encode() + b"\n")
    assert (number, json.loads(raw)) == (1, value)


@pytest.mark.parametrize(
    ("body", "found"),
    [
        (b"", []),
        (b" \n\t\r\n", []),
        (b"[]", []),
        (b" [ ] \n", []),
        (b"\xef\xbb\xbf[{}]", [(1, b"{}")]),
        (b'[{"a": "],}"}, {}]', [(1, b'{"a": "],}"}'), (2, b" {}")]),
        (b"[{},]", [(1, b"{}"), (2, b"")]),
        (b"[{},,{}]", [(1, b"{}"), (2, b""), (3, b"{}")]),
        (b"[{}] x", [(1, b"{}"), (2, b" x")]),
        (b"[{}", [(1, b"{}")]),
        (b'[{},{"a', [(1, b"{}"), (2, b'{"a')]),
        (b'["\\', [(1, b'"\\')]),
        (b"[", [(1, b"")]),
        (b"not json", [(1, b"not json")]),
        (b'{"a": 1}\nbroken\n{}', [(1, b'{"a": 1}'), (2, b"broken"), (3, b"{}")]),
        (b"broken\n{}", [(1, b"broken"), (2, b"{}")]),
    ],
)
def test_odd_bodies(body: bytes, found: list[tuple[int, bytes]]) -> None:
    assert list(entries(body)) == found


@pytest.mark.parametrize("length", [4095, 4096, 4097, 4096 * 1024, 4096 * 1024 + 1])
@pytest.mark.parametrize("character", ["a", "\n", '"'])
def test_a_long_string_is_one_piece(character: str, length: int) -> None:
    whole = json.dumps([character * length])[1:-1].encode()
    assert list(entries(b"[" + whole + b",1]")) == [(1, whole), (2, b"1")]


def test_an_entry_of_nothing_but_structure_ends_the_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_entries, "MOST_TOKENS", 100)
    body = b"[{},[" + b"[]," * 1000 + b"[]],{}]"
    assert list(entries(body)) == [(1, b"{}"), (2, body[4:])]
