"""How good a conversion is: perplexity and greedy tokens on bundled texts, against the source.

The texts were written for this purpose, so no model was trained on them.
"""

import math
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from app.weights.onnx_preflight import OnnxHeader
from app.weights.task import Task

LANGUAGES: Final = ("en", "ko")
PROMPTS: Final = ("The harbour wakes before the town does.", "우리 동네 시장은 새벽 다섯 시에")
GREEDY_TOKENS: Final = 32
MAX_TOKENS: Final = 512
NOTABLE_LOSS: Final = 0.02

# Token ids of shape [length] to logits of shape [length, vocabulary], in 32 bits.
Logits = Callable[[list[int]], NDArray[np.float32]]


class Measured(Struct, frozen=True):
    """Of the source: perplexity by language, and the greedy continuation of each prompt."""

    perplexity: dict[str, float]
    greedy: list[list[int]]


class Quality(Struct, frozen=True):
    """`loss` is the larger of the relative increases of perplexity (0.02: 2 % worse);
    `greedy_equal` of `greedy_total` tokens are the source's, up to the first difference."""

    before: dict[str, float]
    after: dict[str, float]
    greedy_equal: int
    greedy_total: int

    @property
    def loss(self) -> float:
        return max(self.after[name] / self.before[name] - 1 for name in self.before)

    @property
    def is_notable(self) -> bool:
        return self.loss > NOTABLE_LOSS


def measure_source(folder: Path, task: Task) -> Measured:
    """The source's own, by `transformers` in 32 bits."""
    import torch
    from transformers import AutoModelForCausalLM

    model: Any = AutoModelForCausalLM.from_pretrained(
        str(folder), dtype=torch.float32, local_files_only=True
    ).eval()

    def logits(tokens: list[int]) -> NDArray[np.float32]:
        task.check()
        with torch.inference_mode():
            found: NDArray[np.float32] = model(torch.tensor([tokens])).logits[0].float().numpy()
        return found

    texts, prompts = _tokens(folder)
    perplexity = {name: _perplexity(tokens, logits) for name, tokens in texts.items()}
    return Measured(perplexity, [_greedy(tokens, logits) for tokens in prompts])


def compare(folder: Path, facts: OnnxHeader, before: Measured, task: Task) -> Quality:
    """The converted weights in `folder` against the source, by onnxruntime."""
    graph = session(facts)

    def logits(tokens: list[int]) -> NDArray[np.float32]:
        task.check()
        return graph(tokens)

    texts, prompts = _tokens(folder)
    perplexity = {name: _perplexity(tokens, logits) for name, tokens in texts.items()}
    equal = [
        _equal(prompt, greedy, logits)
        for prompt, greedy in zip(prompts, before.greedy, strict=True)
    ]
    return Quality(before.perplexity, perplexity, sum(equal), len(prompts) * GREEDY_TOKENS)


def session(facts: OnnxHeader) -> Logits:
    """A graph without a cache, run by onnxruntime."""
    import onnxruntime

    onnxruntime.disable_telemetry_events()
    loaded = onnxruntime.InferenceSession(
        str(facts.files.graph), providers=["CPUExecutionProvider"]
    )
    names = {each.name: each.type for each in loaded.get_inputs()}
    shape = (1, facts.head_count_kv, 0, facts.key_length)
    empty: dict[str, NDArray[Any]] = {
        name: np.zeros(shape, np.float16 if kind == "tensor(float16)" else np.float32)
        for name, kind in names.items()
        if name.startswith("past_key_values.")
    }

    def logits(tokens: list[int]) -> NDArray[np.float32]:
        ids = np.array([tokens], np.int64)
        feed = {"input_ids": ids, "attention_mask": np.ones_like(ids), **empty}
        if "position_ids" in names:
            feed["position_ids"] = np.arange(len(tokens))[None]
        found: NDArray[np.float32] = loaded.run(["logits"], feed)[0][0].astype(np.float32)
        return found

    return logits


def _tokens(folder: Path) -> tuple[dict[str, list[int]], list[list[int]]]:
    """The bundled texts by language and the prompts, as the weights' tokenizer has them."""
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    texts = files("app.convert").joinpath("texts")
    read = {name: texts.joinpath(f"{name}.txt").read_text("utf-8") for name in LANGUAGES}
    encoded = {name: tokenizer.encode(text).ids[:MAX_TOKENS] for name, text in read.items()}
    return encoded, [tokenizer.encode(prompt).ids for prompt in PROMPTS]


def _perplexity(tokens: list[int], logits: Logits) -> float:
    found = logits(tokens)[:-1]
    losses = []
    for row, token in zip(found, tokens[1:], strict=True):
        wide = row.astype(np.float64)
        top = wide.max()
        losses.append(top + np.log(np.exp(wide - top).sum()) - wide[token])
    return math.exp(float(np.mean(losses)))


def _greedy(tokens: list[int], logits: Logits) -> list[int]:
    """Without a cache, so that nothing but the weights can differ."""
    found = list(tokens)
    for _ in range(GREEDY_TOKENS):
        found.append(int(logits(found)[-1].argmax()))
    return found[len(tokens) :]


def _equal(prompt: list[int], greedy: list[int], logits: Logits) -> int:
    """How many tokens of `greedy` these weights would choose as well, before the first other:
    as long as they do, their own continuation is this text."""
    chosen = logits([*prompt, *greedy])[len(prompt) - 1 : -1].argmax(-1)
    same = chosen == np.array(greedy)
    return len(greedy) if same.all() else int(same.argmin())
