"""Stages 3 and 4: the projector learns what the language part expects of a picture, then
everything together learns to answer about what the tower sees."""

import argparse
import random
import time
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import LlavaForConditionalGeneration

from training import conversations, curve, evaluation, network, scenes, words
from training.language import TURNS, Codebook, losses
from training.schedule import rate
from training.tower import Classifier
from training.tower import loss as naming_loss

STEPS, SAMPLE = 60, 600
"""Test questions of the curve; the whole test is `python -m training.finish`'s."""


class Joint:
    """The model with the tower's classifier, whose loss keeps the tower sharp."""

    def __init__(self, folder: Path) -> None:
        self.tokenizer = words.load(folder)
        self.ids = words.special_ids(self.tokenizer)
        vocabulary = self.tokenizer.get_vocab_size()
        self.model = network.build(network.config(vocabulary, self.ids))
        learned = torch.load(folder / "language.pt")
        self.model.load_state_dict(learned["model"])
        self.codes = Codebook(128)
        self.codes.load_state_dict(learned["codes"])
        self.namer = Classifier()
        self.namer.load_state_dict(torch.load(folder / "tower.pt"))
        self.namer.llava.model.vision_tower = self.tower()

    def tower(self) -> nn.Module:
        """The trained tower, now the model's and the classifier's."""
        trained: nn.Module = self.namer.llava.model.vision_tower
        self.model.model.vision_tower = trained
        return trained


def align(joint: Joint, data: scenes.Scenes, record: curve.Curve, minutes: float) -> None:
    """The projector's output for a picture becomes the codebook's vectors, place by place."""
    known = torch.nonzero((data.shapes >= 0) & (data.colours >= 0))[:, 0]
    projector = joint.model.model.multi_modal_projector
    optimiser = torch.optim.AdamW(projector.parameters(), lr=1e-3)
    began, step = time.monotonic(), 0
    while (spent := time.monotonic() - began) < minutes * 60:
        optimiser.param_groups[0]["lr"] = rate(step, spent / 60 / minutes, 3e-3, warmup=10)
        chosen = known[torch.randint(len(known), (64,))]
        with torch.no_grad():
            pixels = scenes.moved(data.pictures[chosen], data.boxes[chosen])
            features = network.seen(joint.model, pixels)
            wanted = joint.codes(data, chosen)[:, None]
        made = projector(features)
        value = functional.mse_loss(made, wanted.expand_as(made)) / wanted.var()
        optimiser.zero_grad()
        value.backward()
        optimiser.step()
        step += 1
        if step % 20 == 0:
            record.add(step, spent, value.item())


def optimiser_of(joint: Joint) -> torch.optim.Optimizer:
    tower = [p for p in joint.namer.parameters() if p.requires_grad]
    ours = {id(p) for p in tower}
    rest = [p for p in joint.model.parameters() if p.requires_grad and id(p) not in ours]
    groups = [{"params": tower, "share": 0.5}, {"params": rest, "share": 1.0}]
    return torch.optim.AdamW(groups, lr=1e-3, betas=(0.9, 0.98), weight_decay=0.01)


def step_loss(
    joint: Joint, data: scenes.Scenes, writer: conversations.Writer, size: int
) -> tuple[Tensor, Tensor]:
    """The answers' loss with some of the naming loss; and the share of right tokens."""
    drawn = conversations.batch(writer, size, network.PICTURE_TOKENS, TURNS, joint.ids["pad"])
    pixels = scenes.moved(data.pictures[drawn.pictures], data.boxes[drawn.pictures], scale=0.1)
    features = network.seen(joint.model, pixels)
    projected = joint.model.model.multi_modal_projector(features).flatten(0, 1)
    answers, right = losses(joint.model, drawn, projected)
    normed = joint.namer.norm(features)
    scores = joint.namer.heads(torch.cat([normed.mean(1, keepdim=True), normed], 1))
    naming = naming_loss(scores, data.shapes[drawn.pictures], data.colours[drawn.pictures])
    return answers + 0.3 * naming, right


def train(folder: Path, minutes: float, seed: int, size: int = 24) -> None:
    torch.manual_seed(seed)
    random.seed(seed)
    torch.set_num_threads(1)
    joint, data, test = Joint(folder), scenes.load(train=True), scenes.load(train=False)
    align(joint, data, curve.Curve(folder / "align.csv", ("step", "seconds", "loss")), minutes / 10)
    writer = conversations.Writer(data, joint.tokenizer)
    sample = random.Random(0).sample(test.questions, SAMPLE)
    kinds = ("all", "colour", "shape", "yes/no")
    record = curve.Curve(folder / "together.csv", ("step", "seconds", "loss", "tokens", *kinds))
    optimiser = optimiser_of(joint)
    began, step, best, total = time.monotonic(), 0, 0.0, torch.zeros(2)
    while (spent := time.monotonic() - began) < minutes * 54:
        for group in optimiser.param_groups:
            group["lr"] = group["share"] * rate(step, spent / 54 / minutes, 1e-3)
        value, right = step_loss(joint, data, writer, size)
        optimiser.zero_grad()
        value.backward()
        nn.utils.clip_grad_norm_(joint.model.parameters(), 1.0)
        optimiser.step()
        step, total = step + 1, total + torch.stack([value.detach(), right])
        if step % STEPS == 0:
            found = evaluation.accuracy(joint.model, joint.tokenizer, test, sample)
            record.add(step, spent, *(total / STEPS).tolist(), *(found[kind] for kind in kinds))
            total = torch.zeros(2)
            if found["all"] + found["shape"] >= best:
                best = found["all"] + found["shape"]
                save(joint.model, folder)


def save(model: LlavaForConditionalGeneration, folder: Path) -> None:
    torch.save(model.state_dict(), folder / "together.pt")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--minutes", type=float, default=20)
    parser.add_argument("--seed", type=int, default=5)
    chosen = parser.parse_args()
    train(chosen.folder, chosen.minutes, chosen.seed)
