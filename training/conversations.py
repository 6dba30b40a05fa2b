"""Training conversations: a picture, then several questions about it with their answers, as the
chat template writes them; sometimes a second picture, sometimes none."""

import random
from dataclasses import dataclass, field

import torch
from tokenizers import Tokenizer
from torch import Tensor

from training import korean, words
from training.scenes import COLOURS, SHAPES, UNKNOWN, Question, Scenes

NO_PICTURE = "There is no picture."
SYSTEM = ("You are a helpful assistant.", "Answer briefly.", "한국어로 답하세요.")


@dataclass
class Conversation:
    """Token ids with IMAGE where a picture's rows go; `labels` are UNKNOWN outside answers,
    `there` outside the last token of questions of yes or no: 1 when what is asked for is there."""

    ids: list[int] = field(default_factory=list)
    labels: list[int] = field(default_factory=list)
    there: list[int] = field(default_factory=list)
    pictures: list[int] = field(default_factory=list)


class Writer:
    """Draws conversations; `rows` is how many places a picture takes."""

    def __init__(self, data: Scenes, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer
        self._questions = data.by_picture()
        self._shapes, self._colours = data.shapes.tolist(), data.colours.tolist()
        self._known = [n for n in self._questions if self._names(n)]
        self._cache: dict[str, list[int]] = {}
        self._image = tokenizer.token_to_id(words.IMAGE)

    def draw(self, rows: int, turns: int) -> Conversation:
        made = Conversation()
        if random.random() < 0.06:
            self._add(made, f"<|im_start|>system\n{random.choice(SYSTEM)}<|im_end|>\n", False)
        if random.random() < 0.05:
            self._turn(made, random.choice(self._known), 0, sees=False)
            return made
        shown = random.sample(self._known, 2 if random.random() < 0.2 else 1)
        for picture in shown:
            made.pictures.append(picture)
            for number in range(-(-turns // len(shown))):
                self._turn(made, picture, rows if number == 0 else 0, sees=True)
        return made

    def _turn(self, made: Conversation, picture: int, rows: int, sees: bool) -> None:
        names = self._names(picture)
        in_korean = names is not None and random.random() < 0.2
        there: bool | None
        if in_korean and names:
            text, answer, there = korean.question(*names)
        else:
            asked = self._question(picture)
            text, answer, there = _restyled(asked.text), asked.answer, asked.there
        if not sees:
            answer, there = korean.NO_PICTURE if in_korean else NO_PICTURE, None
        self._add(made, "<|im_start|>user\n", False)
        made.ids += [self._image] * rows
        made.labels += [UNKNOWN] * rows
        made.there += [UNKNOWN] * rows
        self._add(made, text, False)
        made.there[-1] = UNKNOWN if there is None else int(there)
        self._add(made, "<|im_end|>\n<|im_start|>assistant\n", False)
        self._add(made, f"{answer}<|im_end|>", True)
        self._add(made, "\n", False)

    def _question(self, picture: int) -> Question:
        """Often one about what is there: most questions of yes or no ask for what is not, and
        the commonest answer would do."""
        questions = self._questions[picture]
        if random.random() < 0.4:
            about = [one for one in questions if self._is_about(one, picture)]
            return random.choice(about or questions)
        return random.choice(questions)

    def _is_about(self, question: Question, picture: int) -> bool:
        names = self._names(picture) or ()
        return question.kind == "yes/no" and any(name in question.text for name in names)

    def _add(self, made: Conversation, text: str, learned: bool) -> None:
        if text not in self._cache:
            self._cache[text] = self._tokenizer.encode(text).ids
        ids = self._cache[text]
        made.ids += ids
        made.labels += ids if learned else [UNKNOWN] * len(ids)
        made.there += [UNKNOWN] * len(ids)

    def _names(self, picture: int) -> tuple[str, str] | None:
        shape, colour = self._shapes[picture], self._colours[picture]
        return None if UNKNOWN in (shape, colour) else (SHAPES[shape], COLOURS[colour])


def _restyled(text: str) -> str:
    """Now and then as other people would type it."""
    style = random.random()
    if style < 0.2:
        return text[0].upper() + text[1:]
    if style < 0.27:
        return text.rstrip("?")
    return text.replace("color", "colour") if style < 0.34 else text


@dataclass(frozen=True)
class Batch:
    """`ids`, `labels` and `there` [n, length], padded at the right; `pictures` in the order of
    their rows."""

    ids: Tensor
    labels: Tensor
    there: Tensor
    pictures: Tensor


def batch(writer: Writer, size: int, rows: int, turns: int, pad: int) -> Batch:
    drawn = [writer.draw(rows, turns) for _ in range(size)]
    length = max(len(one.ids) for one in drawn)
    ids = torch.full((size, length), pad)
    labels = torch.full((size, length), UNKNOWN)
    there = torch.full((size, length), UNKNOWN)
    for number, one in enumerate(drawn):
        ids[number, : len(one.ids)] = torch.tensor(one.ids)
        labels[number, : len(one.ids)] = torch.tensor(one.labels)
        there[number, : len(one.ids)] = torch.tensor(one.there)
    pictures = torch.tensor([n for one in drawn for n in one.pictures])
    return Batch(ids, labels, there, pictures)
