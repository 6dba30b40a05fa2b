"""A downloaded checkpoint of a model that sees: is it one, and what will come of it."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import msgspec
from msgspec import Struct

from app.convert.errors import ConvertError
from app.convert.vision import language
from app.engine.backends.base import LoadError
from app.engine.onnx.vision import hyperclovax_config as hyperclovax
from app.weights.json_files import MAX_TOKENIZER, Tokenizer, content, read_json

LLAVA: Final = "llava"
FAMILIES: Final = (hyperclovax.MODEL_TYPE, LLAVA)
NEEDED: Final = ("config.json", "preprocessor_config.json", "tokenizer.json")


class VisionSource(Struct, frozen=True):
    """`text` is the language model's part of `config`."""

    path: Path
    name: str
    family: str
    config: dict[str, Any]
    text: dict[str, Any]


def find_vision_source(path: Path) -> VisionSource:
    """Raises WeightsError for what cannot be converted, before any work is done."""
    path = path.expanduser().absolute()
    for name in NEEDED:
        if not (path / name).is_file():
            raise _missing(path, name)
    if not list(path.glob("*.safetensors")):
        raise _missing(path, "*.safetensors")
    config = _config(path)
    family = str(config.get("model_type", "-"))
    if family not in FAMILIES:
        known = ", ".join(FAMILIES)
        raise ConvertError("convert_vision_unknown", what=f"model_type {family[:40]}", known=known)
    if "quantization_config" in config:
        raise ConvertError("convert_quantized_source", file=path.name)
    text = hyperclovax.text_config(config)
    # transformers leaves out of a LLaVA's what is Llama's.
    text = {"model_type": "llama", **text} if family == LLAVA else text
    language.check(text)
    if family == hyperclovax.MODEL_TYPE:
        _check_hyperclovax(config)
    return VisionSource(path, path.name, family, config, text)


def _missing(path: Path, name: str) -> ConvertError:
    return ConvertError("convert_vision_not_a_source", file=path.name, missing=name)


def _config(path: Path) -> dict[str, Any]:
    try:
        found = msgspec.json.decode(content(path / "config.json"))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ConvertError("convert_vision_damaged", file="config.json") from error
    if not isinstance(found, dict):
        raise ConvertError("convert_vision_damaged", file="config.json")
    return found


def _check_hyperclovax(config: Mapping[str, Any]) -> None:
    try:
        hyperclovax.projector(config)
        hyperclovax.features_side(config)
    except LoadError as error:
        raise ConvertError(error.text, **error.values) from error


def write_config(source: VisionSource, target: Path) -> None:
    """config.json for the result, which says how the tokenizer spells the image's place: the
    source tells only its number."""
    config = dict(source.config)
    spelling = _spelling(source)
    if spelling is not None:
        config["image_token"] = spelling
    text = json.dumps(config, indent=2, ensure_ascii=False)
    (target / "config.json").write_text(text + "\n", encoding="utf-8")


def _spelling(source: VisionSource) -> str | None:
    for name in ("image_token_id", "image_token_index", "img_start_id"):
        number = source.config.get(name)
        if isinstance(number, int):
            break
    else:
        return None
    added = read_json(source.path / "tokenizer.json", Tokenizer).added_tokens
    spelled = {token.id: token.content for token in added}
    return spelled.get(number) or _in_vocabulary(source.path, number)


class _Model(Struct):
    vocab: Any = None


class _Whole(Struct):
    model: _Model = msgspec.field(default_factory=_Model)


def _in_vocabulary(path: Path, number: int) -> str | None:
    """Ordinary tokens are listed with the model."""
    text = content(path / "tokenizer.json", MAX_TOKENIZER)
    vocabulary = msgspec.json.decode(text, type=_Whole).model.vocab
    if not isinstance(vocabulary, dict):
        return None
    return next((word for word, index in vocabulary.items() if index == number), None)
