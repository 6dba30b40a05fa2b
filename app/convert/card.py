"""sllm.json, the card of a converted folder: where it comes from, how, and how good it is."""

from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import msgspec
from msgspec import Struct

from app import __version__
from app.convert.builder import REVISIONS, Algorithm, Precision
from app.convert.embedding import Outcome
from app.convert.quality import Quality
from app.convert.source import Source
from app.i18n import translate
from app.weights.onnx_preflight import OnnxHeader

TOOLS: Final = ("onnxruntime-genai", "onnxruntime", "onnx", "transformers", "torch")


class Made(Struct, frozen=True):
    """How: the precision that was asked for, and what was done for it."""

    precision: Precision
    algorithm: Algorithm | None
    embedding: Outcome


def write_card(
    folder: Path, source: Source, facts: OnnxHeader, made: Made, quality: Quality
) -> None:
    """What `app.weights.json_files.Card` reads is part of it; the rest is for people."""
    card = {
        "source": source.path.name,
        "source_sha256": source.sha256,
        "name": source.name,
        "architecture": facts.architecture,
        "precision": facts.quantization,
        "algorithm": made.algorithm,
        "embedding": made.embedding,
        "parameters": facts.parameters,
        "languages": list(source.languages),
        "license": source.license,
        "converter": REVISIONS[made.precision],
        "perplexity_before": _rounded(quality.before),
        "perplexity_after": _rounded(quality.after),
        "loss": round(quality.loss, 4),
        "notice": loss_in_words(quality, made.precision) if quality.is_notable else None,
        "greedy_tokens_equal": quality.greedy_equal,
        "greedy_tokens": quality.greedy_total,
    }
    write(folder, card)


def write(folder: Path, card: dict[str, Any]) -> None:
    """With when and by what it was made."""
    made = {
        "created_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "versions": {"sllm": __version__, **{name: version(name) for name in TOOLS}},
    }
    text = msgspec.json.format(msgspec.json.encode(card | made), indent=2)
    (folder / "sllm.json").write_bytes(text + b"\n")


def loss_in_words(quality: Quality, precision: Precision) -> str:
    """For who looks into the folder, as the command says it."""
    return translate("convert_lossy", "en", percent=round(100 * quality.loss), precision=precision)


def _rounded(perplexity: dict[str, float]) -> dict[str, float]:
    return {language: round(value, 4) for language, value in perplexity.items()}
