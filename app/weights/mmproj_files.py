"""Which two GGUF files make a model that sees: the language model, and the mmproj beside it."""

from pathlib import Path
from typing import Final

from app.weights.errors import WeightsError
from app.weights.preflight import SPLIT

SHOWN: Final = 5


def pair(path: Path) -> tuple[Path, Path]:
    """The language model and the mmproj of `path`, a `.gguf` file or a folder.

    Raises WeightsError when one is missing or there are several to choose from.
    """
    if not path.is_dir():
        if is_mmproj(path):
            raise WeightsError("weights_not_a_chat_model", file=path.name, architecture="clip")
        return path, _mmproj(path, path.parent)
    texts = [file for file in _gguf(path) if not is_mmproj(file) and _is_first(file)]
    if len(texts) > 1:
        raise WeightsError("weights_vision_text_several", folder=path.name, files=_names(texts))
    if not texts:
        raise WeightsError("weights_vision_text_missing", folder=path.name)
    return texts[0], _mmproj(texts[0], path)


def is_mmproj(file: Path) -> bool:
    return "mmproj" in file.name.lower()


def holds_gguf(folder: Path) -> bool:
    """Whether any file in it is a GGUF file."""
    return bool(_gguf(folder))


def has_mmproj(folder: Path) -> bool:
    """Whether a folder is one of GGUF files of a model that sees."""
    return any(is_mmproj(file) for file in _gguf(folder))


def _mmproj(text: Path, folder: Path) -> Path:
    found = [file for file in _gguf(folder) if is_mmproj(file)]
    if not found:
        raise WeightsError("weights_mmproj_missing", file=text.name)
    if len(found) > 1:
        raise WeightsError("weights_mmproj_several", file=text.name, files=_names(found))
    return found[0]


def _gguf(folder: Path) -> list[Path]:
    try:
        return sorted(file for file in folder.iterdir() if file.suffix.lower() == ".gguf")
    except OSError as error:
        reason = error.strerror or ""
        raise WeightsError("weights_unreadable", file=folder.name, reason=reason) from error


def _is_first(file: Path) -> bool:
    part = SPLIT.match(file.name)
    return part is None or part["number"] == "00001"


def _names(files: list[Path]) -> str:
    more = ", …" if len(files) > SHOWN else ""
    return ", ".join(file.name for file in files[:SHOWN]) + more
