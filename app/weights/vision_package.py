"""An honest look at an ONNX model that sees before an engine loads it: three graphs that fit
together, and the model's own settings.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from app.weights import onnx_files
from app.weights.errors import WeightsError
from app.weights.json_files import Config, read_object
from app.weights.onnx_external import check_externals, external_files
from app.weights.onnx_graph import OnnxGraph, Value
from app.weights.onnx_preflight import (
    Companions,
    OnnxHeader,
    check_graph,
    companions_of,
    header_of,
    require_decoder,
    require_tokenizer,
)
from app.weights.vision_files import PREPROCESSOR, PROCESSOR, VisionFiles, find_files

# Where configurations keep those of the language part; in old ones they are at the top.
_TEXT: Final = ("text_config", "language_config", "llm_config")
_EMBEDS: Final = "inputs_embeds"
_FEATURES: Final = "image_features"


class VisionPackage(Struct, frozen=True):
    """`header` is the decoder's, with the bytes and weights of all three graphs; `config` and
    `preprocessor` are the model's own files, whatever is in them."""

    files: VisionFiles
    header: OnnxHeader
    family: str
    config: dict[str, Any]
    preprocessor: dict[str, Any]


def check(path: Path) -> VisionPackage:
    """The facts of the model at `path`, a folder or the encoder's file. Reads no weights.

    Raises WeightsError that says what is wrong and what to do.
    """
    files = find_files(path)
    encoder, embedding, decoder = graphs = [check_graph(each) for each in files.graphs]
    _require_parts(files, *graphs)
    sizes = [
        graph.file_bytes + check_externals(file, graph.externals)
        for file, graph in zip(files.graphs, graphs, strict=True)
    ]
    tokenizer = require_tokenizer(files.companions)
    config = _object(files, onnx_files.CONFIG)
    companions = _of_language(companions_of(files.companions), config)
    header = header_of(files.companions, decoder, tokenizer, companions, sum(sizes))
    weights = encoder.parameters + embedding.parameters + decoder.parameters
    return VisionPackage(
        files=files,
        header=replace(
            header,
            parameters=companions.card.parameters or weights,
            embedding_length=header.embedding_length or _width(decoder.inputs[_EMBEDS]),
            data=tuple(_beside(files, graphs)),
        ),
        family=str(config.get("model_type", "")),
        config=config,
        preprocessor=_preprocessor(files),
    )


def _beside(files: VisionFiles, graphs: Sequence[OnnxGraph]) -> Iterator[Path]:
    """The files of the weights beside the decoder's graph."""
    for file, graph in zip(files.graphs, graphs, strict=True):
        if file != files.decoder:
            yield file
        yield from external_files(file, graph.externals)


def _require_parts(
    files: VisionFiles, encoder: OnnxGraph, embedding: OnnxGraph, decoder: OnnxGraph
) -> None:
    """Each graph does what its name says."""
    if "use_cache_branch" in decoder.inputs:
        raise WeightsError("weights_onnx_merged", file=files.decoder.name)
    if _EMBEDS not in decoder.inputs:
        raise WeightsError("weights_vision_decoder", file=files.decoder.name)
    require_decoder(decoder, files.decoder.name, entry=_EMBEDS)
    if list(embedding.inputs) != ["input_ids"] or len(embedding.outputs) != 1:
        raise WeightsError("weights_vision_embedding", file=files.embedding.name)
    if "pixel_values" not in encoder.inputs or not encoder.outputs:
        names = ", ".join(encoder.inputs)[:120]
        raise WeightsError("weights_vision_encoder", file=files.encoder.name, inputs=names)
    _require_widths(files, encoder, embedding, decoder)


def _require_widths(
    files: VisionFiles, encoder: OnnxGraph, embedding: OnnxGraph, decoder: OnnxGraph
) -> None:
    """Or every image would fail: parts of different models."""
    taken = _width(decoder.inputs[_EMBEDS])
    outputs = {
        files.encoder: _rows(encoder),
        files.embedding: next(iter(embedding.outputs.values())),
    }
    for file, output in outputs.items():
        made = _width(output)
        if taken and made and made != taken:
            names = {"file": file.name, "decoder": files.decoder.name}
            raise WeightsError("weights_vision_width", made=made, taken=taken, **names)


def _object(files: VisionFiles, name: str) -> dict[str, Any]:
    found = files.companions.find(name)
    return {} if found is None else read_object(found)


def _of_language(companions: Companions, config: Mapping[str, Any]) -> Companions:
    """With the language part's configuration over the whole model's."""
    inner: dict[str, Any] = next(
        (config[name] for name in _TEXT if isinstance(config.get(name), dict)), {}
    )
    merged = {**config, **inner, "model_type": config.get("model_type", "")}
    known = {field: merged[field] for field in Config.__struct_fields__ if merged.get(field)}
    try:
        return replace(companions, config=msgspec.convert(known, Config))
    except msgspec.ValidationError as error:
        values = {"file": onnx_files.CONFIG, "reason": str(error)[:120]}
        raise WeightsError("weights_companion_damaged", **values) from error


def _preprocessor(files: VisionFiles) -> dict[str, Any]:
    """preprocessor_config.json over what processor_config.json says of images; tokens by their
    spelling."""
    processor = _object(files, PROCESSOR)
    inner = processor.pop("image_processor", None)
    own = inner if isinstance(inner, dict) else {}
    merged = {**processor, **own, **_object(files, PREPROCESSOR)}
    return {
        key: value["content"] if isinstance(value, dict) and "content" in value else value
        for key, value in merged.items()
    }


def _rows(encoder: OnnxGraph) -> Value:
    """The output that the engine takes of the encoder."""
    return encoder.outputs.get(_FEATURES) or next(iter(encoder.outputs.values()))


def _width(value: Value) -> int:
    """The last of its dimensions; 0 where the graph does not say."""
    return value.shape[-1] or 0 if value.shape else 0
