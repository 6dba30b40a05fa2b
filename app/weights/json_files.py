"""The JSON files that come with weights: what is used of each, read with bounds.

Schemas take what they know and pass over the rest; which files there are is onnx_files' business.
"""

import os
from pathlib import Path
from typing import Any, Final, TypeVar

import msgspec
from msgspec import Struct, field

from app.weights.errors import WeightsError
from app.weights.opening import opened

MAX_CONFIG: Final = 4 << 20
# Vocabularies of a quarter of a million tokens take about 35 MB.
MAX_TOKENIZER: Final = 128 << 20
Ids = int | list[int] | None
Parsed = TypeVar("Parsed", bound=Struct)


class Config(Struct):
    """Of config.json, what is used. `text_config` is where vision models keep it."""

    model_type: str = ""
    architectures: list[str] | None = None
    max_position_embeddings: int | None = None
    n_positions: int | None = None
    seq_length: int | None = None
    vocab_size: int = 0
    hidden_size: int = 0
    num_hidden_layers: int = 0
    num_attention_heads: int = 0
    num_key_value_heads: int | None = None
    head_dim: int | None = None
    tie_word_embeddings: bool | None = None
    rms_norm_eps: float | None = None
    layer_norm_eps: float | None = None
    is_encoder_decoder: bool | None = None
    eos_token_id: Ids = None
    text_config: dict[str, object] | None = None
    vision_config: dict[str, object] | None = None


class GenerationConfig(Struct):
    eos_token_id: Ids = None


class _GenaiDecoder(Struct):
    filename: str | None = None
    head_size: int = 0
    hidden_size: int = 0
    num_key_value_heads: int = 0


class _GenaiModel(Struct):
    type: str = ""
    context_length: int | None = None
    vocab_size: int = 0
    eos_token_id: Ids = None
    decoder: _GenaiDecoder = field(default_factory=_GenaiDecoder)


class GenaiConfig(Struct):
    """Of genai_config.json (onnxruntime-genai), what is used."""

    model: _GenaiModel = field(default_factory=_GenaiModel)


class Token(Struct):
    content: str = ""


class _NamedTemplate(Struct):
    name: str = ""
    template: str = ""


class TokenizerConfig(Struct):
    bos_token: str | Token | None = None
    eos_token: str | Token | None = None
    pad_token: str | Token | None = None
    unk_token: str | Token | None = None
    chat_template: str | list[_NamedTemplate] | None = None


class _AddedToken(Struct):
    id: int
    content: str
    special: bool = False


class Tokenizer(Struct):
    """Of tokenizer.json, its added tokens; the rest is the `tokenizers` library's."""

    added_tokens: list[_AddedToken] = []


class Card(Struct):
    """sllm.json, which `sllm convert` writes: where the folder comes from, and how good it is.
    Perplexities are over the bundled texts, by language; `loss` is the larger of the relative
    increases, so 0.02 is 2 % worse than the source."""

    source: str = ""
    name: str = ""
    precision: str = ""
    parameters: int = 0
    languages: list[str] = []
    license: str | None = None
    loss: float | None = None


def read_json(path: Path, kind: type[Parsed]) -> Parsed:
    """Raises WeightsError for what is not such JSON."""
    limit = MAX_TOKENIZER if kind is Tokenizer else MAX_CONFIG
    try:
        return msgspec.json.decode(content(path, limit), type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise _damaged(path, str(error)) from error
    except RecursionError as error:
        raise _damaged(path, "nested too deeply") from error


def read_object(path: Path) -> dict[str, Any]:
    """All of a small JSON file that is an object. Raises WeightsError for what is none."""
    try:
        return msgspec.json.decode(content(path), type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise _damaged(path, str(error)) from error
    except RecursionError as error:
        raise _damaged(path, "nested too deeply") from error


def content(path: Path, limit: int = MAX_CONFIG) -> bytes:
    """The whole of a small regular file. Raises WeightsError."""
    with opened(path) as (file, size):
        if size > limit:
            raise _damaged(path, f"{size} bytes")
        found = bytearray()
        while chunk := os.read(file, limit + 1 - len(found)):
            found += chunk
    return bytes(found)


def _damaged(path: Path, reason: str) -> WeightsError:
    return WeightsError("weights_companion_damaged", file=path.name, reason=reason[:120])
