"""sllm.json, the card of a converted folder: where it comes from, how, and how good it is."""

from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import msgspec

from app import __version__
from app.convert.quality import Quality
from app.convert.source import Source
from app.weights.onnx_preflight import OnnxHeader

TOOLS: Final = ("onnxruntime-genai", "onnxruntime", "onnx", "transformers", "torch")


def write_card(
    folder: Path, source: Source, facts: OnnxHeader, embedding: str, quality: Quality
) -> None:
    """What `app.weights.json_files.Card` reads is part of it; the rest is for people."""
    card = {
        "source": source.path.name,
        "source_sha256": source.sha256,
        "name": source.name,
        "architecture": facts.architecture,
        "precision": facts.quantization,
        "embedding": embedding,
        "parameters": facts.parameters,
        "languages": list(source.languages),
        "license": source.license,
        "perplexity_before": _rounded(quality.before),
        "perplexity_after": _rounded(quality.after),
        "loss": round(quality.loss, 4),
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


def _rounded(perplexity: dict[str, float]) -> dict[str, float]:
    return {language: round(value, 4) for language, value in perplexity.items()}
