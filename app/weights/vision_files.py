"""Which files make up an ONNX model that sees: encoder, embedding, decoder, and their companions.

Looks at names; vision_package reads the contents.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Final

from msgspec import Struct

from app.weights import onnx_files
from app.weights.errors import WeightsError
from app.weights.json_files import GenaiConfig, read_json
from app.weights.onnx_files import GENAI_CONFIG, GRAPH_FOLDER, PLAIN_NAME, OnnxFiles

# Precisions as hubs name them, the best quality first; each part has its own.
SUFFIXES: Final = ("", "_fp16", "_int8", "_uint8", "_quantized", "_q4", "_q4f16", "_bnb4")
ENCODERS: Final = ("vision_encoder", "vision-model", "vision_model")
EMBEDDING: Final = "embed_tokens"
DECODER: Final = "decoder_model_merged"
PREPROCESSOR: Final = "preprocessor_config.json"
PROCESSOR: Final = "processor_config.json"


class VisionFiles(Struct, frozen=True):
    """The three graphs; companions are looked for in `places`, first one first."""

    encoder: Path
    embedding: Path
    decoder: Path
    places: tuple[Path, ...]

    @property
    def companions(self) -> OnnxFiles:
        return OnnxFiles(self.decoder, self.places)

    @property
    def graphs(self) -> tuple[Path, Path, Path]:
        return self.encoder, self.embedding, self.decoder


def is_vision_folder(folder: Path) -> bool:
    return _first(_within(folder), ENCODERS) is not None


def find_files(path: Path) -> VisionFiles:
    """For a folder, or for the encoder's own file, whose companions lie in its folder or in one
    that is called like the file. Raises WeightsError that names all that is missing."""
    path = path.absolute()
    places, encoder = _places(path), path if path.is_file() else None
    encoder = encoder or _first(places, ENCODERS)
    embedding, decoder = _first(places, [EMBEDDING]), _decoder(places)
    graphs = {ENCODERS[0]: encoder, EMBEDDING: embedding, DECODER: decoder}
    missing = [f"{name}.onnx" for name, found in graphs.items() if found is None]
    missing += _missing_companions(places)
    if missing or encoder is None or embedding is None or decoder is None:
        raise WeightsError("weights_vision_missing", model=path.name, missing=", ".join(missing))
    return VisionFiles(encoder, embedding, decoder, tuple(places))


def _places(path: Path) -> list[Path]:
    """Where the parts of the model at `path` may lie, the most likely first."""
    if path.is_dir():
        return _within(path)
    folder = path.parent
    above = [folder.parent] if folder.name == GRAPH_FOLDER else []
    return [*_within(path.with_suffix("")), *_within(folder), *above]


def _within(folder: Path) -> list[Path]:
    """As hubs have it: the graphs in a folder `onnx` of their own, or not."""
    return [folder, folder / GRAPH_FOLDER]


def _first(places: Iterable[Path], stems: Iterable[str]) -> Path | None:
    names = [f"{stem}{suffix}.onnx" for stem in stems for suffix in SUFFIXES]
    found = (place / name for place in places for name in names)
    return next((path for path in found if path.is_file()), None)


def _decoder(places: list[Path]) -> Path | None:
    """By its name on hubs, else the one that onnxruntime-genai's configuration names."""
    return _first(places, [DECODER]) or _named(places) or _first(places, ["model"])


def _named(places: list[Path]) -> Path | None:
    for place in places:
        if (place / GENAI_CONFIG).is_file():
            name = read_json(place / GENAI_CONFIG, GenaiConfig).model.decoder.filename
            if name is not None and not PLAIN_NAME.match(name):
                raise WeightsError("weights_onnx_outside", file=GENAI_CONFIG, location=name[:80])
            if name is not None and (place / name).is_file():
                return place / name
    return None


def _missing_companions(places: list[Path]) -> list[str]:
    wanted = ([onnx_files.CONFIG], [PREPROCESSOR, PROCESSOR], [onnx_files.TOKENIZER])
    return [
        names[0]
        for names in wanted
        if not any((place / name).is_file() for place in places for name in names)
    ]
