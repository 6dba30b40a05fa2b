"""The choice that `sllm tune` has made for weights: a small file in DATA_DIR for each of them."""

import hashlib
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta, Struct

from app.tuned.machine import Machine

TUNED_FOLDER: Final = "tuned"
# Part of every choice: raise it when earlier ones mean something else.
REVISION: Final = 1
Kind = Literal["source", "gguf", "onnx"]
Positive = Annotated[int, Meta(ge=1, le=4096)]


class UnusableChoice(Exception):
    """The file is not one that this version has written."""


class Choice(Struct, frozen=True, forbid_unknown_fields=True):
    """For the weights at `path` as long as size, time and `machine` are these: serve them as they
    are (`source`), re-quantised to `form` (`gguf`), or the ONNX folder `form` (`onnx`).
    `sha256` is the source's; `made` are files and folders that tuning has made, `figures` what was
    measured, for people.
    """

    revision: int
    path: str
    size: int
    mtime_ns: int
    sha256: str
    machine: Machine
    kind: Kind
    form: str
    threads: Positive
    batch: Positive
    made: tuple[str, ...] = ()
    figures: dict[str, Any] = {}

    def fits(self, source: Path) -> bool:
        """Whether the source is the file that was measured."""
        facts = source.stat()
        return (facts.st_size, facts.st_mtime_ns) == (self.size, self.mtime_ns)


def file_for(source: Path, data_dir: Path) -> Path:
    """Where the choice for weights at `source` lies, if one was made."""
    name = hashlib.sha256(str(source.resolve()).encode("utf-8", "surrogateescape")).hexdigest()
    return data_dir / TUNED_FOLDER / f"{name[:16]}.json"


def read(source: Path, data_dir: Path) -> Choice | None:
    """None where none was made. Raises UnusableChoice, OSError."""
    try:
        found = msgspec.json.decode(file_for(source, data_dir).read_bytes(), type=Choice)
    except FileNotFoundError:
        return None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise UnusableChoice(str(error)) from error
    if found.revision != REVISION:
        raise UnusableChoice(f"revision {found.revision}")
    return found


def keep(choice: Choice, data_dir: Path) -> Path:
    """Write it in one step, in place of an earlier one. Raises OSError."""
    path = file_for(Path(choice.path), data_dir)
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_suffix(".fresh")
    fresh.write_bytes(msgspec.json.format(msgspec.json.encode(choice)) + b"\n")
    fresh.replace(path)
    return path
