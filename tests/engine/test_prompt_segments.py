"""What is tokenized again of a conversation that goes on, and whose memory it is. Real tokenizers
do the same in tests/conformance/test_prompts.py.
"""

import pytest

from app.engine.backends import prompt_segments
from app.engine.backends.prompt_segments import Segments, cut

CONTROLS = {"<a>": 1, "<b>": 2, "<b>>": 3}
FIRST = "be kind<a>one<b>"
SECOND = "be kind<a>one<b>two<a>three<b>"


class Words:
    """A tokenizer that tells what it was asked: characters, and the control tokens."""

    def __init__(self, begin: list[int], end: list[int]) -> None:
        self.begin, self.end = begin, end
        self.asked: list[str] = []

    async def tokenize(
        self, text: str, *, parse_special: bool, add_special: bool = False
    ) -> list[int]:
        if text:
            self.asked.append(text)
        ids: list[int] = []
        while parse_special and text:
            found = next((c for c in sorted(CONTROLS, reverse=True) if text.startswith(c)), None)
            ids.append(CONTROLS[found] if found else ord(text[0]))
            text = text.removeprefix(found) if found else text[1:]
        return [*self.begin, *ids, *self.end] if add_special else ids


async def controls(text: str) -> dict[str, int]:
    return {spelling: token for spelling, token in CONTROLS.items() if spelling in text}


@pytest.fixture
def words() -> Words:
    return Words([0], [])


@pytest.fixture
def segments(words: Words) -> Segments:
    return Segments(words, controls)


async def test_a_next_turn_is_tokenized_where_it_is_new(words: Words, segments: Segments) -> None:
    assert await segments.ids(FIRST, "o") == await words.tokenize(
        FIRST, parse_special=True, add_special=True
    )
    words.asked.clear()
    ids = await segments.ids(SECOND, "o")
    assert words.asked == ["<b>two<a>three"]
    assert ids == await words.tokenize(SECOND, parse_special=True, add_special=True)


async def test_nobody_gets_what_another_has_said(words: Words, segments: Segments) -> None:
    await segments.ids(FIRST, "o")
    for owner in ("p", ""):
        words.asked.clear()
        await segments.ids(FIRST, owner)
        assert "".join(words.asked) == FIRST


async def test_what_is_forgotten_is_tokenized_again(words: Words, segments: Segments) -> None:
    await segments.ids(FIRST, "o")
    await segments.ids(FIRST, "p")
    segments.forget("o")
    words.asked.clear()
    await segments.ids(FIRST, "p")
    assert words.asked == []
    await segments.ids(FIRST, "o")
    assert "".join(words.asked) == FIRST


async def test_the_oldest_make_room(
    words: Words, segments: Segments, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prompt_segments, "MOST_CHARACTERS", 3 * len(FIRST))
    await segments.ids(FIRST, "o")
    for number in range(10):
        await segments.ids(FIRST.replace("one", f"one {number}"), "o")
    words.asked.clear()
    await segments.ids(FIRST.replace("one", "one 9"), "o")
    assert words.asked == []
    await segments.ids(FIRST, "o")
    assert "<a>one" in "".join(words.asked)


async def test_a_vocabulary_that_ends_texts_is_asked_for_all_of_it() -> None:
    words = Words([0], [9])
    for _ in range(2):
        assert (await Segments(words, controls).ids(SECOND, "o"))[-1] == 9
        assert words.asked.pop() == SECOND


def test_a_text_is_cut_in_front_of_control_tokens_the_longest_first() -> None:
    assert cut("<a>one<b>two<b>>three", CONTROLS) == ["<a>one", "<b>two", "<b>>three"]
    assert cut("one<a><a>", CONTROLS) == ["one", "<a>", "<a>"]
    assert cut("one", CONTROLS) == cut("one", {}) == ["one"]
