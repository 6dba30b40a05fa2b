"""Questions in Korean, by templates: our own data, since easy-VQA speaks only English. What is
true of a picture comes from easy-VQA's training questions, as everywhere here."""

import random

from training.scenes import COLOURS, SHAPES

SHAPE_NAMES = dict(zip(SHAPES, ("원", "사각형", "삼각형"), strict=True))
COLOUR_NAMES = dict(
    zip(
        COLOURS,
        ("검은색", "파란색", "갈색", "회색", "초록색", "빨간색", "청록색", "노란색"),
        strict=True,
    )
)
ASK_SHAPE = (
    "어떤 도형이 있나요?",
    "무슨 도형인가요?",
    "도형의 모양은 무엇인가요?",
    "이 그림에는 어떤 모양이 있나요?",
)
ASK_COLOUR = ("도형은 무슨 색인가요?", "무슨 색이에요?", "도형의 색은 무엇인가요?")
IS_THERE = ("{}이 있나요?", "그림에 {}이 있나요?", "{}이 보이나요?")
IS_NOT_THERE = ("{}이 없나요?", "그림에 {}이 없나요?", "{}이 보이지 않나요?")
YES, NO = "네", "아니요"
NO_PICTURE = "그림이 없습니다."
EVERYTHING = (*SHAPE_NAMES.values(), *COLOUR_NAMES.values(), YES, NO, NO_PICTURE)


def question(shape: str, colour: str) -> tuple[str, str, bool | None]:
    """A random question about a picture, its answer, and whether what it asks for is there."""
    kind = random.random()
    if kind < 0.25:
        return random.choice(ASK_SHAPE), SHAPE_NAMES[shape], None
    if kind < 0.4:
        return random.choice(ASK_COLOUR), COLOUR_NAMES[colour], None
    asked, name = _thing(shape, colour)
    templates, yes, no = (IS_THERE, YES, NO) if kind < 0.75 else (IS_NOT_THERE, NO, YES)
    there = asked in (shape, colour)
    return random.choice(templates).format(name), yes if there else no, there


def _thing(shape: str, colour: str) -> tuple[str, str]:
    """A shape or colour to ask for, the true one every other time, and how it is called."""
    if random.random() < 0.5:
        asked = shape if random.random() < 0.5 else random.choice(SHAPES)
        return asked, SHAPE_NAMES[asked]
    asked = colour if random.random() < 0.5 else random.choice(COLOURS)
    return asked, COLOUR_NAMES[asked] + " 도형"


def everything() -> list[str]:
    """All texts, for the tokenizer."""
    things = [*SHAPE_NAMES.values(), *(name + " 도형" for name in COLOUR_NAMES.values())]
    asked = [line.format(thing) for line in IS_THERE + IS_NOT_THERE for thing in things]
    return [*ASK_SHAPE, *ASK_COLOUR, *asked, *EVERYTHING]
