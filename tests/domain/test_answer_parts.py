"""Thoughts, words and calls, told apart however the answer is cut into pieces."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.answer_parts import AnswerReader, Said, Thought
from app.domain.call_reader import CallArguments, CallBegun

CALL = '{"name": "f", "arguments": {"a": "}\\"{", "b": [1, {}]}}'
ARGUMENTS = '{"a": "}\\"{", "b": [1, {}]}'


def read(text: str, size: int = 1, **options: Any) -> list[tuple[str, str]]:
    """The parts, joined as a client joins them, of an answer that comes `size` letters a time."""
    reader = AnswerReader(**{"names": ["f"], **options})
    pieces = [text[at : at + size] for at in range(0, len(text), size)]
    parts = [part for piece in pieces for part in reader.feed(piece)] + reader.end()
    joined: list[tuple[str, str]] = []
    for part in parts:
        match part:
            case CallBegun(number=number, name=name):
                joined.append((f"call {number} {name}", ""))
                continue
            case CallArguments(number=number, text=said):
                kind = joined[-1][0]
                assert kind.startswith(f"call {number} ")
            case Said(text=said):
                kind = "said"
            case Thought(text=said):
                kind = "thought"
        if joined and joined[-1][0] == kind:
            joined[-1] = (kind, joined[-1][1] + said)
        else:
            joined.append((kind, said))
    return joined


TWICE = """<tool_call>{"name": "f", "arguments": {}}</tool_call>
<tool_call>{"name": "f", "arguments": {"a": 1}}</tool_call>"""
ANSWERS: list[tuple[str, list[tuple[str, str]]]] = [
    (" Hello <b> & </tool_call>\n", [("said", " Hello <b> & </tool_call>\n")]),
    ("<think>\nhm\n\nok\n</think>\n\nHi", [("thought", "hm\n\nok"), ("said", "Hi")]),
    ("<think>never ends ", [("thought", "never ends")]),
    (f"<tool_call>\n{CALL}\n</tool_call>", [("call 0 f", ARGUMENTS)]),
    (f"Look:\n<tool_call>{CALL}</tool_call> ", [("said", "Look:\n"), ("call 0 f", ARGUMENTS)]),
    (f"<think>x</think><tools>{CALL}</tools>", [("thought", "x"), ("call 0 f", ARGUMENTS)]),
    (CALL, [("call 0 f", ARGUMENTS)]),
    (f"```json\n{CALL}\n```\nDone.", [("call 0 f", ARGUMENTS), ("said", "Done.")]),
    ('{"arguments": {}, "name": "f"}', [("call 0 f", "{}")]),
    ('{"name": "f", "parameters": {"a": 1}}', [("call 0 f", '{"a": 1}')]),
    (
        TWICE,
        [("call 0 f", "{}"), ("call 1 f", '{"a": 1}')],
    ),
    (
        '[{"name": "f", "arguments": {}}, {"name": "f", "arguments": {"a": 1}}]',
        [("call 0 f", "{}"), ("call 1 f", '{"a": 1}')],
    ),
    # What is no call stays what it is.
    ('{"name": "g", "arguments": {}} x', [("said", '{"name": "g", "arguments": {}} x')]),
    ('{"name": "Kim", "age": 3}', [("said", '{"name": "Kim", "age": 3}')]),
    ('```json\n{"x": 1}\n```', [("said", '```json\n{"x": 1}\n```')]),
    ('<tool_call>{"name": "f", "ar', [("said", '<tool_call>{"name": "f", "ar')]),
    ("<tool_call>nonsense</tool_call>", [("said", "<tool_call>nonsense</tool_call>")]),
    ("[1, 2]", [("said", "[1, 2]")]),
    # Cut off within a call.
    ('<tool_call>{"name": "f", "arguments": {"a": 1', [("call 0 f", '{"a": 1')]),
]


@pytest.mark.parametrize("size", [1, 3, 1000])
@pytest.mark.parametrize(("text", "parts"), ANSWERS)
def test_the_parts_do_not_depend_on_the_pieces(
    text: str, parts: list[tuple[str, str]], size: int
) -> None:
    assert read(text, size) == parts


def test_an_answer_may_begin_within_thoughts() -> None:
    assert read("hm</think>\nHi", thinks=True) == [("thought", "hm"), ("said", "Hi")]


def test_nothing_follows_the_only_call() -> None:
    wrapped = f"<tool_call>{CALL}</tool_call>"
    assert read(wrapped * 2 + " more", one=True) == [("call 0 f", ARGUMENTS)]


def test_without_tools_there_are_no_calls() -> None:
    wrapped = f"<tool_call>{CALL}</tool_call>"
    assert read(wrapped, names=()) == [("said", wrapped)]


def test_the_arguments_are_told_as_they_come() -> None:
    reader = AnswerReader(["f"])
    told = [len(reader.feed(letter)) for letter in CALL]
    assert sum(told) > len(ARGUMENTS) / 2


@given(st.text(), st.integers(1, 5), st.booleans())
def test_plain_words_come_back_as_they_were(text: str, size: int, tools: bool) -> None:
    if not any(mark in text for mark in "<{[`"):
        parts = read(text, size, names=["f"] if tools else [])
        assert "".join(said for _, said in parts) == text
