"""Stages 3 and 4, on the features of the trained tower, which are computed once: the projector
learns what the language part expects of a picture, then both learn to answer about pictures."""

import argparse
import random
import time
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional
from transformers import LlavaForConditionalGeneration

from training import conversations, curve, evaluation, network, scenes, words
from training.language import TURNS, Codebook, Finder, losses
from training.schedule import rate
from training.tower import Classifier

STEPS, SAMPLE = 100, 300
"""Steps between two points of the curve, and test questions of each; the whole test is
`training.finish`'s."""
# Any place tells shape and colour, and few places make short sequences; the last run takes all.
ROWS = (4, 16, network.PICTURE_TOKENS)
PEAK = 2e-3

KINDS = ("all", "colour", "shape", "yes/no")


class Joint:
    """The model put together of the tower and the language part."""

    def __init__(self, folder: Path) -> None:
        self.tokenizer = words.load(folder)
        self.ids = words.special_ids(self.tokenizer)
        self.model = network.build(network.config(self.tokenizer.get_vocab_size(), self.ids))
        learned = torch.load(folder / "language.pt")
        self.model.load_state_dict(learned["model"])
        self.finder = Finder(128)
        self.codes = Codebook(128)
        self.codes.load_state_dict(learned["codes"])
        namer = Classifier()
        namer.load_state_dict(torch.load(folder / "tower.pt"))
        self.model.model.vision_tower = namer.llava.model.vision_tower


@torch.no_grad()
def features_of(model: LlavaForConditionalGeneration, data: scenes.Scenes) -> Tensor:
    """The tower's features of the pictures as they are, then of the pictures with the shape
    elsewhere: [2 n, 64, 96]."""
    numbers = torch.arange(len(data.pictures)).split(250)
    still = [network.seen(model, scenes.normalised(data.pictures[some])) for some in numbers]
    elsewhere = [
        network.seen(model, scenes.moved(data.pictures[some], data.boxes[some])) for some in numbers
    ]
    return torch.cat(still + elsewhere)


def align(joint: Joint, data: scenes.Scenes, features: Tensor, target: Path, steps: int) -> None:
    """The projector's output for a picture becomes the codebook's vectors, place by place."""
    record = curve.Curve(target / "align.csv", ("step", "loss"))
    known = torch.nonzero((data.shapes >= 0) & (data.colours >= 0))[:, 0]
    projector = joint.model.model.multi_modal_projector
    optimiser = torch.optim.AdamW(projector.parameters(), lr=1e-3)
    for step in range(1, steps + 1):
        optimiser.param_groups[0]["lr"] = rate(step, step / steps, 4e-3, warmup=10)
        chosen = known[torch.randint(len(known), (64,))]
        again = chosen + len(data.pictures) * torch.randint(2, (64,))
        wanted = joint.codes(data, chosen)[:, None].detach()
        made = projector(features[again])
        value = functional.mse_loss(made, wanted.expand_as(made)) / wanted.var()
        optimiser.zero_grad()
        value.backward()
        optimiser.step()
        if step % 50 == 0:
            record.add(step, value.item())


def step_loss(
    joint: Joint, features: Tensor, writer: conversations.Writer, wishes: argparse.Namespace
) -> tuple[Tensor, Tensor]:
    """The answers' loss, and the share of right tokens."""
    rows, turns = random.choice(wishes.rows), random.choice(TURNS)
    drawn = conversations.batch(writer, wishes.size // turns, rows, turns, joint.ids["pad"])
    again = drawn.pictures + len(features) // 2 * torch.randint(2, drawn.pictures.shape)
    places = torch.randperm(network.PICTURE_TOKENS)[:rows].sort().values
    projected = joint.model.model.multi_modal_projector(features[again][:, places])
    return losses(joint.model, joint.finder, drawn, projected.flatten(0, 1))


def optimisers_of(joint: Joint) -> tuple[torch.optim.Optimizer, ...]:
    """Muon for the matrices within the language part, AdamW for the rest."""
    inner = joint.model.model
    matrices = [p for p in inner.language_model.layers.parameters() if p.dim() == 2]
    ours = {id(p) for p in matrices}
    parts = (inner.language_model, inner.multi_modal_projector, joint.finder)
    rest = [p for part in parts for p in part.parameters() if id(p) not in ours]
    return (
        torch.optim.Muon(matrices, lr=1e-3, weight_decay=0.01, adjust_lr_fn="match_rms_adamw"),
        torch.optim.AdamW(rest, lr=1e-3, betas=(0.9, 0.98), weight_decay=0.01),
    )


def train(folder: Path, wishes: argparse.Namespace) -> None:
    torch.manual_seed(wishes.seed)
    random.seed(wishes.seed)
    torch.set_num_threads(1)
    joint, data, test = Joint(folder), scenes.load(train=True), scenes.load(train=False)
    features = features_of(joint.model, data)
    if wishes.go_on:
        joint.model.load_state_dict(torch.load(folder / "together.pt"))
    else:
        align(joint, data, features, folder, steps=300)
    writer = conversations.Writer(data, joint.tokenizer)
    sample = random.Random(0).sample(test.questions, SAMPLE)
    optimisers = optimisers_of(joint)
    progress = Progress(joint, test, sample, folder)
    began, total = time.monotonic(), torch.zeros(2)
    for step in range(1, wishes.steps + 1):
        value, right = step_loss(joint, features, writer, wishes)
        value.backward()
        for optimiser in optimisers:
            optimiser.param_groups[0]["lr"] = rate(step, step / wishes.steps, wishes.peak, 20)
            optimiser.step()
            optimiser.zero_grad()
        total += torch.stack([value.detach(), right])
        if step % STEPS == 0:
            progress.measure(step, time.monotonic() - began, total / STEPS)
            total = torch.zeros(2)


class Progress:
    """Measures on a sample of the test questions, and keeps the weights as they are then: the
    last ones, whatever the measurement says, so that nothing is chosen by test questions."""

    def __init__(self, joint: Joint, test: scenes.Scenes, sample: list[scenes.Question], to: Path):
        self._joint, self._test, self._sample, self._to = joint, test, sample, to
        columns = ("step", "seconds", "loss", "tokens", *KINDS)
        self._record = curve.Curve(to / "together.csv", columns)

    def measure(self, step: int, seconds: float, means: Tensor) -> None:
        joint = self._joint
        found = evaluation.accuracy(joint.model, joint.tokenizer, self._test, self._sample)
        self._record.add(step, seconds, *means.tolist(), *(found[kind] for kind in KINDS))
        torch.save(joint.model.state_dict(), self._to / "together.pt")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--steps", type=int, default=2000, help="a multiple of 100")
    parser.add_argument("--seed", type=int, default=5)
    parser.add_argument("--go-on", action="store_true", help="from together.pt, not from stage 2")
    parser.add_argument("--rows", type=int, nargs="+", default=ROWS, help="places of a picture")
    parser.add_argument("--peak", type=float, default=PEAK, help="the highest learning rate")
    parser.add_argument("--size", type=int, default=96, help="questions of a step")
    chosen = parser.parse_args()
    train(chosen.folder, chosen)
