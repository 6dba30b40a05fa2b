"""Korean and English texts to talk about: histories of any length, and what is said next."""

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
def paragraphs() -> list[str]:
    """The texts that weights are judged by, in both languages by turns."""
    read = [(_FOLDER / f"{name}.txt").read_text(encoding="utf-8") for name in LANGUAGES]
    korean, english = (text.strip().split("\n\n") for text in read)
    return [text for pair in zip(korean, english, strict=True) for text in pair]


def history(key: str, exchanges: int) -> Messages:
    """A conversation so far that starts with `key`, which nobody else's does."""
    texts = paragraphs()
    said = []
    for number in range(exchanges):
        text = texts[number % len(texts)]
        half = text.find(" ", len(text) // 2)
        said += [
            {"role": "user", "content": f"{key}-{number}: {text[:half]}"},
            {"role": "assistant", "content": text[half:].strip()},
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
