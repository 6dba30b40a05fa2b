"""easy-VQA as tensors: pictures, what they show as far as the questions give it away, and the
pictures' changes that keep the answers (moves, flips, other channels)."""

from collections import defaultdict
from dataclasses import dataclass, replace

import easy_vqa
import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional

SHAPES = ("circle", "rectangle", "triangle")
COLOURS = ("black", "blue", "brown", "gray", "green", "red", "teal", "yellow")
SIZE = 64
UNKNOWN = -100


@dataclass(frozen=True)
class Question:
    picture: int
    text: str
    answer: str

    @property
    def kind(self) -> str:
        if self.answer in ("yes", "no"):
            return "yes/no"
        return "shape" if self.answer in SHAPES else "colour"

    @property
    def there(self) -> bool | None:
        """Whether the picture shows what a question of yes or no asks for."""
        if self.kind != "yes/no":
            return None
        negated = {"not", "no"} & set(self.text.split())
        return (self.answer == "yes") != bool(negated)


@dataclass(frozen=True)
class Scenes:
    """`pictures` [n, 3, 64, 64] uint8; `shapes`, `colours` [n] with UNKNOWN where no question
    says it; `boxes` [n, 4]: first and last row, first and last column of the shape."""

    pictures: Tensor
    questions: list[Question]
    shapes: Tensor
    colours: Tensor
    boxes: Tensor

    def by_picture(self) -> dict[int, list[Question]]:
        found: dict[int, list[Question]] = defaultdict(list)
        for question in self.questions:
            found[question.picture].append(question)
        return found

    def shuffled(self) -> "Scenes":
        """Other pictures for the same questions: what is still right was guessed."""
        order = torch.randperm(len(self.pictures), generator=torch.Generator().manual_seed(1))
        return replace(self, pictures=self.pictures[order])


def load(train: bool) -> Scenes:
    split = "train" if train else "test"
    rows = getattr(easy_vqa, f"get_{split}_questions")()
    paths = getattr(easy_vqa, f"get_{split}_image_paths")()
    questions = [
        Question(picture, text, answer) for text, answer, picture in zip(*rows, strict=True)
    ]
    pixels = np.stack([np.asarray(Image.open(paths[n]).convert("RGB")) for n in range(len(paths))])
    pictures = torch.from_numpy(pixels).permute(0, 3, 1, 2).contiguous()
    shapes, colours = labels(questions, len(paths))
    return Scenes(pictures, questions, shapes, colours, boxes(pictures))


def labels(questions: list[Question], count: int) -> tuple[Tensor, Tensor]:
    """What the questions and answers of each picture say about its shape and colour."""
    shapes = torch.full((count,), UNKNOWN)
    colours = torch.full((count,), UNKNOWN)
    for question in questions:
        words = question.text.rstrip("?").split()
        negated = "not" in words or "no" in words
        told = [question.answer, *words] if question.answer == "yes" or "what" in words else []
        for word in told if not negated else words * (question.answer == "no"):
            if word in SHAPES:
                shapes[question.picture] = SHAPES.index(word)
            if word in COLOURS:
                colours[question.picture] = COLOURS.index(word)
    return shapes, colours


def boxes(pictures: Tensor) -> Tensor:
    """Where each picture differs from the colour that most of its border has."""
    border = torch.cat([pictures[:, :, 0], pictures[:, :, -1], pictures[:, :, :, 0]], -1)
    ground = border.median(-1).values[:, :, None, None]
    differs = (pictures.int() - ground.int()).abs().amax(1) > 12
    rows, columns = differs.any(2).int(), differs.any(1).int()
    return torch.stack([*ends(rows), *ends(columns)], 1)


def ends(marks: Tensor) -> tuple[Tensor, Tensor]:
    return marks.argmax(1), SIZE - 1 - marks.flip(1).argmax(1)


def normalised(pictures: Tensor) -> Tensor:
    return pictures.float() / 127.5 - 1


def moved(pictures: Tensor, boxes: Tensor, scale: float = 0.0) -> Tensor:
    """Normalised pictures with the shape put anywhere in the picture, some mirrored left to
    right; `scale` is how much larger or smaller (0.2: by up to 20 %)."""
    count = len(pictures)
    ground = normalised(pictures[:, :, :1, :].median(-1, keepdim=True).values)
    factor = torch.where(torch.rand(count) < 0.5, 1.0, 1 + scale * (2 * torch.rand(count) - 1))
    mirror = torch.where(torch.rand(count) < 0.5, 1.0, -1.0)
    theta = torch.zeros(count, 2, 3)
    theta[:, 0, 0], theta[:, 1, 1] = mirror / factor, 1 / factor
    for axis, (first, last) in enumerate((boxes[:, 2:].T, boxes[:, :2].T)):
        half = (last - first + 1) / 2 * factor
        target = (half + torch.rand(count) * (SIZE - 2 * half)).round()
        target = target + (half - half.floor())
        sign = mirror if axis == 0 else torch.ones(count)
        centre = (first + last + 1) / SIZE - 1
        theta[:, axis, 2] = centre - sign / factor * (target * 2 / SIZE - 1)
    grid = functional.affine_grid(theta, [count, 3, SIZE, SIZE], align_corners=False)
    shifted = functional.grid_sample(
        normalised(pictures) - ground, grid, mode="bilinear", align_corners=False
    )
    return shifted + ground


def recoloured(pixels: Tensor) -> Tensor:
    """The same shapes in other colours: each picture's channels in another order."""
    order = torch.stack([torch.randperm(3) for _ in pixels])
    return pixels.gather(1, order[:, :, None, None].expand_as(pixels))


def telling_places(pixels: Tensor, count: int) -> Tensor:
    """`count` of the 64 patches of each picture [n, count]: those that show part of the shape
    come first, then some of the ground. Most patches are ground, and learning is cheaper without
    them (PatchDropout, MAE)."""
    differs = (pixels - pixels[:, :, :1, :1]).abs().amax(1) > 0.05
    marks = functional.max_pool2d(differs.float()[:, None], 8).flatten(1)
    return (marks * 10 + torch.rand_like(marks)).topk(count, 1).indices
