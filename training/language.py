"""Stage 2: the language part alone learns to answer. In the pictures' places stand learned
vectors for "circle" and "red", so that it need not wait for a tower that sees; beside stage 1."""

import argparse
import random
import time
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import LlavaForConditionalGeneration

from training import conversations, curve, korean, network, scenes, words
from training.schedule import rate

ROWS = (2, 4, 8, 16)
# Mostly one question a conversation: with several, an answer before tells what the picture shows,
# and looking is not learned.
TURNS = (1, 1, 1, 6)


class Codebook(nn.Module):
    """What the projector is to make of a picture: the sum of its shape's and colour's vector."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.shapes = nn.Embedding(len(scenes.SHAPES), width)
        self.colours = nn.Embedding(len(scenes.COLOURS), width)
        for table in (self.shapes, self.colours):
            nn.init.normal_(table.weight, std=0.1)

    def forward(self, data: scenes.Scenes, pictures: Tensor) -> Tensor:
        return self.shapes(data.shapes[pictures]) + self.colours(data.colours[pictures])


class Finder(nn.Module):
    """Reads off the middle of the language part, at the end of a question of yes or no, whether
    what is asked for is there: half of the way to the answer, taught by itself. Thrown away."""

    LAYERS = 2

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = nn.RMSNorm(width)
        self.head = nn.Linear(width, 2)

    def loss(self, hidden: Tensor, there: Tensor) -> Tensor:
        asked = there != scenes.UNKNOWN
        return functional.cross_entropy(self.head(self.norm(hidden[asked])), there[asked])


def losses(
    model: LlavaForConditionalGeneration,
    finder: Finder,
    drawn: conversations.Batch,
    rows: Tensor,
) -> tuple[Tensor, Tensor]:
    """Loss of the answers' tokens and of the finder, and the share of tokens that were right.
    `rows` [k, width] are the features for the places of pictures, in order."""
    inputs = embedded(model, drawn.ids, rows)
    made = model.model.language_model(
        inputs_embeds=inputs, use_cache=False, output_hidden_states=True
    )
    learned = drawn.labels[:, 1:] != scenes.UNKNOWN
    scores = model.lm_head(made.last_hidden_state[:, :-1][learned])
    wanted = drawn.labels[:, 1:][learned]
    found = finder.loss(made.hidden_states[Finder.LAYERS], drawn.there)
    right = (scores.argmax(-1) == wanted).float().mean()
    return functional.cross_entropy(scores, wanted) + 0.3 * found, right


def embedded(model: LlavaForConditionalGeneration, ids: Tensor, rows: Tensor) -> Tensor:
    """The tokens' vectors, with `rows` in the places of pictures."""
    vectors = model.get_input_embeddings()(ids)
    places = (ids == model.config.image_token_id)[:, :, None].expand_as(vectors)
    return vectors.masked_scatter(places, rows.to(vectors.dtype))


def train(target: Path, steps: int, seed: int, size: int = 96) -> None:
    torch.manual_seed(seed)
    random.seed(seed)
    torch.set_num_threads(1)
    data = scenes.load(train=True)
    tokenizer = words.train([question.text for question in data.questions] + extra_texts())
    tokenizer.save(str(target / "tokenizer.json"))
    ids = words.special_ids(tokenizer)
    model = network.build(network.config(tokenizer.get_vocab_size(), ids))
    codes, finder = Codebook(128), Finder(128)
    writer = conversations.Writer(data, tokenizer)
    inner = model.model.language_model
    learned = [*inner.parameters(), *codes.parameters(), *finder.parameters()]
    optimiser = torch.optim.AdamW(learned, lr=1e-3, betas=(0.9, 0.98), weight_decay=0.01)
    record = curve.Curve(target / "language.csv", ("step", "seconds", "loss", "tokens_right"))
    began, total = time.monotonic(), torch.zeros(2)
    for step in range(1, steps + 1):
        optimiser.param_groups[0]["lr"] = rate(step, step / steps, 2e-3)
        rows, turns = random.choice(ROWS), random.choice(TURNS)
        drawn = conversations.batch(writer, size // turns, rows, turns, ids["pad"])
        codes_of = codes(data, drawn.pictures).repeat_interleave(rows, 0)
        value, right = losses(model, finder, drawn, codes_of + 0.05 * torch.randn_like(codes_of))
        optimiser.zero_grad()
        value.backward()
        nn.utils.clip_grad_norm_(learned, 1.0)
        optimiser.step()
        total += torch.stack([value.detach(), right])
        if step % 50 == 0 or step == steps:
            record.add(step, time.monotonic() - began, *(total / 50).tolist())
            total = torch.zeros(2)
            torch.save(
                {"model": model.state_dict(), "codes": codes.state_dict()}, target / "language.pt"
            )


def extra_texts() -> list[str]:
    roles = ["user\n", "assistant\n", "system\n", conversations.NO_PICTURE, *conversations.SYSTEM]
    return [*korean.everything() * 40, *roles * 200]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("target", type=Path)
    parser.add_argument("--steps", type=int, default=2500)
    parser.add_argument("--seed", type=int, default=5)
    chosen = parser.parse_args()
    chosen.target.mkdir(parents=True, exist_ok=True)
    train(chosen.target, chosen.steps, chosen.seed)
