"""Korean and English texts to talk about: histories of any length, and what is said next."""

import re
from collections.abc import Awaitable, Callable
from functools import cache
from pathlib import Path

import app.convert

Messages = list[dict[str, str]]

LANGUAGES = ("ko", "en")
NEXT = {
    "ko": "{n}번째 질문입니다. 지금까지의 이야기를 한 문장으로 말해 주세요.",
    "en": "Question {n}: say in one sentence what we have talked about so far.",
}
# Answers that do not end by themselves.
ENDLESS = {
    "ko": "{key}: 1부터 300까지의 숫자를 쉼표로 나누어 모두 써 주세요. 다른 말은 하지 마세요.",
    "en": "{key}: write the numbers from 1 to 300, separated by commas. Write nothing else.",
}
_FOLDER = Path(app.convert.__file__).parent / "texts"


@cache
def sentences(language: str) -> list[str]:
    """Of the texts that weights are judged by."""
    text = (_FOLDER / f"{language}.txt").read_text(encoding="utf-8")
    return re.findall(r"[^.?!]+[.?!]+[\"”]?", " ".join(text.split()))


def history(key: str, exchanges: int) -> Messages:
    """A conversation so far, Korean and English by turns, that starts with `key`, which nobody
    else's does."""
    said = []
    for number in range(exchanges):
        texts = sentences(LANGUAGES[number % 2])
        first, second = (texts[place % len(texts)].strip() for place in (number, number + 1))
        said += [
            {"role": "user", "content": f"{key}-{number}: {first}"},
            {"role": "assistant", "content": second},
        ]
    return said


async def exchanges_for(tokens: int, count: Callable[[Messages], Awaitable[int]]) -> int:
    """How many exchanges make a history of about so many tokens, as `count` counts them."""
    number, before = 1, 0
    while (now := await count(history("A000", number))) < tokens:
        number, before = number + 1, now
    return number if now - tokens <= tokens - before or number == 1 else number - 1


def question(number: int) -> str:
    """What is said next: Korean and English by turns."""
    return NEXT[LANGUAGES[number % 2]].format(n=number + 1)
