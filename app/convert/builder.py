"""onnxruntime-genai's model builder, in a process of its own: the graph for a folder of weights."""

import os
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final, Literal

from app.convert.builder_config import understood
from app.convert.errors import ConvertError
from app.weights.task import Task

Precision = Literal["int8", "int4", "fp16", "fp32"]
# What the graph is made for: on a GPU activations and cache have 16 bits.
Device = Literal["cpu", "cuda"]
# How weights were rounded; None for floats.
Algorithm = Literal["gptq", "k_quant_mixed", "round_to_nearest"]
# Kept in the card: raised when the same source would give other weights, so that who keeps
# converted folders (tests do) knows the old ones.
REVISIONS: Final[dict[Precision, int]] = {"int8": 2, "int4": 2, "fp16": 1, "fp32": 1}
# The head and the sensitive layers in 8 bits; those in 4 are chosen anew afterwards (four_bits.py).
# 8 bits share a scale among 64 weights: a seventh quicker than among 32 on two cores with AVX-512,
# at a tenth of a percent of perplexity; among 128 that is half a percent (decision 0013).
_OPTIONS: Final[dict[Precision, list[str]]] = {
    "int4": ["algo_config=k_quant_mixed"],
    "int8": ["block_size=64"],
}
# A cache that keeps no more than a layer's window could not go back to what it shares with the
# next prompt; ours keep all and the mask does the rest (decision 0014).
_WHOLE_CACHES: Final = "windowed_kv_cache=false"
LAYER: Final = re.compile(rb"Reading layer (\d+)")
LONGEST_REASON: Final = 200


def build(
    source: Path,
    target: Path,
    precision: Precision,
    device: Device,
    layers: int,
    task: Task,
    more: Sequence[str] = (),
) -> None:
    """Write model.onnx and its companions to `target`; `more` are the builder's own options, as
    name=value. Raises ConvertError with the builder's
    last words, CancelledError when `task` is cancelled; the process is gone then."""
    source = understood(source, target.with_name("understood"))
    command = [
        *(sys.executable, "-P", "-m", "onnxruntime_genai.models.builder"),
        *("-i", str(source), "-o", str(target), "-p", precision, "-e", device),
        *("-c", str(target.with_name("cache"))),
        *("--extra_options", "hf_token=false", _WHOLE_CACHES, *_OPTIONS.get(precision, []), *more),
    ]
    log = target.with_name("builder.log")
    with log.open("wb") as output:
        process = subprocess.Popen(  # noqa: S603 - our own words
            command, cwd=target.parent, env=_environment(), stdout=output, stderr=output
        )
    try:
        while (code := _wait(process)) is None:
            task.check()
            task.progress.advance("graph", _layers_done(log), layers)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
    if code:
        raise ConvertError("convert_builder_failed", reason=_last_words(log))
    task.progress.advance("graph", layers, layers)


def _wait(process: subprocess.Popen[bytes]) -> int | None:
    try:
        return process.wait(timeout=0.5)
    except subprocess.TimeoutExpired:
        return None


def _environment() -> dict[str, str]:
    """Everything is on this machine: nothing may be asked of a hub."""
    return {**os.environ, "HF_HUB_OFFLINE": "1", "PYTHONUNBUFFERED": "1"}


def _layers_done(log: Path) -> int:
    return len(LAYER.findall(log.read_bytes()))


def _last_words(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    return lines[-1].strip()[:LONGEST_REASON] if lines else "-"
