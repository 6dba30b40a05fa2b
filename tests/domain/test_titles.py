"""Titles from first messages: what they say, how wide they are, what they never hold."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.graphemes import columns, graphemes
from app.domain.titles import FALLBACK, LONGEST, WIDEST, title_of

FAMILY = "👨‍👩‍👧‍👦"
KOREA = "🇰🇷"


@pytest.mark.parametrize(
    ("message", "title"),
    [
        ("Why is the sky blue?", "Why is the sky blue?"),
        ("  \n\n 하늘은 왜   파란가요?\n두 번째 줄", "하늘은 왜 파란가요?"),
        ("# Plan\nfirst", "Plan"),
        ("> > quoted", "quoted"),
        ("- [ ] buy milk", "buy milk"),
        ("1. 첫째\n2. 둘째", "첫째"),
        ("```python\nprint(1)\n```", "print(1)"),
        ("~~~\ncode\n~~~", "code"),
        ("---\n***\nafter the rules", "after the rules"),
        ("**굵게**는 어떻게 하나요", "굵게는 어떻게 하나요"),
        ("use `ls -l` and *this* one", "use ls -l and this one"),
        ("see [the manual](https://example.com/a)", "see the manual"),
        ("rename my_long_name to __init__", "rename my_long_name to init"),
        ("-5 degrees, 2*3*4, #hashtag", "-5 degrees, 2*3*4, #hashtag"),
        ("???", "???"),
        ("👍", "👍"),
        ("tab\there\x07\x1b[31m", "tab here [31m"),
        ("\u202ereversed\u202c \ufefftext", "reversed text"),
        ("", FALLBACK),
        ("\u200b \n\t", FALLBACK),
        ("```", FALLBACK),
    ],
)
def test_titles(message: str, title: str) -> None:
    assert title_of(message) == title


@pytest.mark.parametrize(
    ("message", "title"),
    [
        ("word " * 30, "word " * 11 + "word…"),
        ("가나 " * 30, "가나 " * 11 + "가나…"),
        ("x" * 100, "x" * 59 + "…"),
        ("가" * 100, "가" * 29 + "…"),
        (FAMILY * 60, FAMILY * 28 + "…"),  # 200 characters come before 60 columns
        (KOREA * 60, KOREA * 29 + "…"),
        ("e" + "\u0301" * 3000, FALLBACK),
        ("x" * 60, "x" * 60),
        ("x" * 60 + " y", "x" * 59 + "…"),
        ("x" * 59 + " y", "x" * 59 + "…"),
        ("short " + "x" * 100, "short " + "x" * 53 + "…"),
    ],
)
def test_long_messages_are_cut(message: str, title: str) -> None:
    assert title_of(message) == title


@pytest.mark.parametrize(
    "whole",
    [FAMILY, KOREA, "e\u0301", "👍🏽", "\u1112\u1161\u11ab", "한\u11ab", "क्ष", "❤️", "1️⃣"],
)
def test_a_grapheme_stays_whole(whole: str) -> None:
    assert list(graphemes(f"a{whole}{whole}b")) == ["a", whole, whole, "b"]


def test_flags_are_pairs() -> None:
    assert list(graphemes(KOREA + "🇺🇸" + "🇫")) == [KOREA, "🇺🇸", "🇫"]


MARKDOWN = st.text(st.sampled_from("a가 #*_`~[]()>-1.\n\t\u0301\u200d👍🇰🇷\x00…!"), max_size=300)


@given(st.text(max_size=500) | MARKDOWN)
def test_every_title_can_be_shown(message: str) -> None:
    title = title_of(message)
    assert title
    assert title == " ".join(title.split())
    assert len(title) <= LONGEST
    assert sum(map(columns, graphemes(title))) <= WIDEST
    assert not {unicodedata.category(c) for c in title} & {"Cc", "Zl", "Zp", "Cs"}


@given(st.text(max_size=200))
def test_graphemes_lose_nothing(text: str) -> None:
    assert "".join(graphemes(text)) == text
