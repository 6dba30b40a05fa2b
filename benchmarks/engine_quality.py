"""What quantization costs in quality: perplexity against the source's weights in 32 bits, on
the bundled texts and this project's READMEs, token by token, so that the error is known too.

`python -m benchmarks.engine_quality --gguf FILE --onnx FOLDER [--other FILE]`: one line a kind of
weights, as JSON; `benchmarks.engines` runs it in a process of its own.
"""

import argparse
import math
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from app.tuning.loss import change, of_logits
from benchmarks.processes import ROOT

WINDOW: Final = 512
LANGUAGES: Final = ("en", "ko")
Losses = dict[str, NDArray[np.float64]]
Logits = Callable[[NDArray[np.int64]], NDArray[np.float32]]


class Loss(Struct, frozen=True):
    """`percent` by which the perplexity is higher than the source's, its standard error, and
    how many tokens were looked at."""

    weights: str
    language: str
    perplexity: float
    percent: float
    error: float
    tokens: int


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--gguf", type=Path, required=True, help="the source")
    parser.add_argument("--onnx", type=Path, required=True)
    parser.add_argument("--other", type=Path, action="append", default=[])
    parser.add_argument("--windows", type=int, default=6, help=f"of {WINDOW} tokens, a language")
    options = parser.parse_args()
    texts = windows(options.onnx, options.windows)
    before = measure(texts, of_gguf(options.gguf))
    kinds: dict[str, Callable[[], Logits]] = {
        f"ONNX {options.onnx.name}": lambda: of_onnx(options.onnx)
    }
    for file in options.other:
        kinds[f"GGUF {file.name}"] = lambda file=file: of_gguf(file)  # type: ignore[misc]
    for name, load in kinds.items():
        for loss in compare(name, before, measure(texts, load())):
            print(msgspec.json.encode(loss).decode(), flush=True)
    return 0


def windows(folder: Path, count: int) -> dict[str, list[NDArray[np.int64]]]:
    """Token ids by language, `count` windows of each."""
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    found = {}
    for language in LANGUAGES:
        bundled = ROOT / "app/convert/texts" / f"{language}.txt"
        readme = ROOT / ("README.md" if language == "en" else f"README.{language}.md")
        text = bundled.read_text("utf-8") + readme.read_text("utf-8")
        ids = np.array(tokenizer.encode(text).ids[: count * WINDOW], np.int64)
        found[language] = [ids[at : at + WINDOW] for at in range(0, len(ids), WINDOW)]
    return found


def measure(texts: dict[str, list[NDArray[np.int64]]], logits: Logits) -> Losses:
    """Negative log likelihood of every token but a window's first."""
    return {
        language: np.concatenate([of_logits(ids, logits(ids)) for ids in parts])
        for language, parts in texts.items()
    }


def compare(name: str, before: Losses, after: Losses) -> list[Loss]:
    """By language, and over all tokens."""
    pairs = {language: (before[language], after[language]) for language in LANGUAGES}
    pairs["all"] = (
        np.concatenate([before[language] for language in LANGUAGES]),
        np.concatenate([after[language] for language in LANGUAGES]),
    )
    return [_loss(name, language, *pair) for language, pair in pairs.items()]


def _loss(
    name: str, language: str, before: NDArray[np.float64], after: NDArray[np.float64]
) -> Loss:
    difference: list[float] = (after - before).tolist()
    percent, error = change(difference)
    return Loss(
        weights=name,
        language=language,
        perplexity=math.exp(float(after.mean())),
        percent=percent,
        error=error,
        tokens=len(difference),
    )


def of_gguf(file: Path) -> Logits:
    """A GGUF file's weights, dequantized and run by transformers in 32 bits."""
    import torch
    from transformers import AutoModelForCausalLM

    model: Any = AutoModelForCausalLM.from_pretrained(
        str(file.parent), gguf_file=file.name, dtype=torch.float32, local_files_only=True
    ).eval()

    def logits(ids: NDArray[np.int64]) -> NDArray[np.float32]:
        with torch.inference_mode():
            found: NDArray[np.float32] = model(torch.from_numpy(ids[None])).logits[0].numpy()
        return found

    return logits


def of_onnx(folder: Path) -> Logits:
    """The folder's graph as the engine's kernels compute it."""
    from app.convert.quality import session
    from app.weights.onnx_preflight import check

    graph = session(check(folder / "model.onnx"))
    return lambda ids: graph(ids.tolist())


if __name__ == "__main__":
    sys.exit(main())
