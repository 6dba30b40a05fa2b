"""Stage 1: the tower alone learns to name shape and colour, from every one of its 64 places."""

import argparse
import time
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from training import curve, network, scenes
from training.schedule import rate

PLACEHOLDER_IDS = {"end": 1, "pad": 0, "image": 2}


class Classifier(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.llava = network.build(network.config(8, PLACEHOLDER_IDS))
        self.norm = nn.LayerNorm(96)
        self.heads = nn.Linear(96, len(scenes.SHAPES) + len(scenes.COLOURS))

    def forward(self, pixels: Tensor, places: Tensor | None = None) -> Tensor:
        """Scores [n, 1 + places, 11]: of the features' mean, then of each place."""
        features = self.norm(network.seen(self.llava, pixels, places))
        return self.heads(torch.cat([features.mean(1, keepdim=True), features], 1))


def loss(scores: Tensor, shapes: Tensor, colours: Tensor) -> Tensor:
    def one(part: Tensor, labels: Tensor) -> Tensor:
        places = part.shape[1]
        each = functional.cross_entropy(
            part.float().flatten(0, 1),
            labels.repeat_interleave(places),
            ignore_index=scenes.UNKNOWN,
            reduction="none",
            label_smoothing=0.02,
        ).view(-1, places)
        return each[:, 0].mean() + 0.5 * each[:, 1:].mean()

    cut = len(scenes.SHAPES)
    return one(scores[:, :, :cut], shapes) + one(scores[:, :, cut:], colours)


@torch.no_grad()
def accuracy(model: Classifier, data: scenes.Scenes) -> dict[str, float]:
    model.eval()
    scores = torch.cat([model(scenes.normalised(p))[:, 0] for p in data.pictures.split(250)])
    model.train()
    cut = len(scenes.SHAPES)
    found = {"shape": (scores[:, :cut], data.shapes), "colour": (scores[:, cut:], data.colours)}
    return {
        name: (part.argmax(1) == label)[label >= 0].float().mean().item()
        for name, (part, label) in found.items()
    }


def batch(data: scenes.Scenes, size: int) -> tuple[Tensor, Tensor, Tensor]:
    chosen = torch.randint(len(data.pictures), (size,))
    pixels = scenes.moved(data.pictures[chosen], data.boxes[chosen], scale=0.2)
    colours = data.colours[chosen].clone()
    half = size // 2
    pixels[:half] = scenes.recoloured(pixels[:half])
    colours[:half] = scenes.UNKNOWN
    return pixels, data.shapes[chosen], colours


def train(target: Path, steps: int, seed: int, start: Path | None, size: int = 64) -> None:
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    data, test, model = scenes.load(train=True), scenes.load(train=False), Classifier()
    if start:
        model.load_state_dict(torch.load(start))
    optimiser = torch.optim.AdamW(
        [p for p in model.parameters() if p.requires_grad],
        lr=1e-3,
        betas=(0.9, 0.98),
        weight_decay=0.02,
    )
    record = curve.Curve(target / "tower.csv", ("step", "seconds", "loss", "shape", "colour"))
    began, total = time.monotonic(), 0.0
    for step in range(1, steps + 1):
        optimiser.param_groups[0]["lr"] = rate(step, step / steps, 1.5e-3)
        pixels, shapes, colours = batch(data, size)
        some = scenes.telling_places(pixels, 20) if step < 0.75 * steps else None
        value = loss(model(pixels, some), shapes, colours)
        optimiser.zero_grad()
        value.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        total += value.item()
        if step % 250 == 0 or step == steps:
            right = accuracy(model, test)
            record.add(step, time.monotonic() - began, total / 250, right["shape"], right["colour"])
            total = 0.0
            torch.save(model.state_dict(), target / "tower.pt")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("target", type=Path)
    parser.add_argument("--steps", type=int, default=1500)
    parser.add_argument("--seed", type=int, default=5)
    parser.add_argument("--start", type=Path, help="a tower.pt to go on from")
    chosen = parser.parse_args()
    chosen.target.mkdir(parents=True, exist_ok=True)
    train(chosen.target, chosen.steps, chosen.seed, chosen.start)
