"""Re-quantised copies of GGUF files in DATA_DIR: made once by one process, kept with a record of
what they were made from.
"""

import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Final, get_args

import msgspec
from msgspec import Struct

from app.weights import store
from app.weights.errors import WeightsError
from app.weights.ggml_types import TENSOR_TYPES
from app.weights.memory import PROCESS_BYTES, available_bytes
from app.weights.preflight import check
from app.weights.sizes import human_bytes
from app.weights.spec import Form
from app.weights.task import Task

FORMS: Final[tuple[Form, ...]] = get_args(Form)
REQUANTIZED_FOLDER: Final = "requantized"
# Part of every record: raise it when app.weights.requantize writes other files.
REVISION: Final = 1
_POLL_SECONDS: Final = 0.05
_ROOT: Final = Path(__file__).resolve().parents[2]


class Made(Struct, frozen=True):
    """What `<file>.json` keeps of a copy; it holds while size and time are the file's."""

    source_sha256: str
    form: Form
    revision: int
    size: int
    mtime_ns: int


def path_of(source: Path, sha256: str, form: Form, data_dir: Path) -> Path:
    """Where the copy of `source` lies, whether it is there or not."""
    return data_dir / REQUANTIZED_FOLDER / f"{source.stem}-{sha256[:12]}.{form.lower()}.gguf"


def present(source: Path, sha256: str, form: Form, data_dir: Path) -> Path | None:
    """The whole copy, if there is one."""
    path = path_of(source, sha256, form, data_dir)
    try:
        made = msgspec.json.decode(record_of(path).read_bytes(), type=Made)
        facts = path.stat()
    except (OSError, msgspec.DecodeError):
        return None
    right = Made(sha256, form, REVISION, facts.st_size, facts.st_mtime_ns)
    return path.absolute() if made == right else None


def make(source: Path, sha256: str, form: Form, data_dir: Path, task: Task) -> Path:
    """The copy of `source`, whose hash is `sha256`, made unless it is there. Blocks.

    Raises WeightsError when it cannot be made, CancelledError once `task.cancel` is set.
    """
    path = path_of(source, sha256, form, data_dir)
    found = present(source, sha256, form, data_dir)
    if found is not None:
        return found
    needed = copy_bytes(source, form)
    with store.disk_errors(data_dir, path.name, needed):
        path.parent.mkdir(parents=True, exist_ok=True)
        with store.locked(path.with_name(f".{path.name}.lock"), task):
            # Another process may have made it while this one waited.
            if present(source, sha256, form, data_dir) is None:
                _replace(source, sha256, form, path, needed, task)
    return path.absolute()


def files_of(sha256: str, data_dir: Path) -> list[Path]:
    """All that lies here of copies of a source."""
    folder = data_dir / REQUANTIZED_FOLDER
    return sorted([*folder.glob(f"*-{sha256[:12]}.*"), *folder.glob(f".*-{sha256[:12]}.*")])


def leftovers(data_dir: Path) -> list[Path]:
    """What a process that was killed has left; the next one that makes the same clears it."""
    return sorted((data_dir / REQUANTIZED_FOLDER).glob(".*.partial"))


def copy_bytes(source: Path, form: Form) -> int:
    """Bytes on disk, a little more than it will be."""
    header = check(source)
    # Also the narrow forms have their embedding in 8 bits.
    kind = next(each for each in TENSOR_TYPES.values() if each.name == form)
    wide = 2 * header.vocabulary_size * header.embedding_length
    return int(header.parameters * kind.block_bytes / kind.block + wide + (16 << 20))


def _replace(source: Path, sha256: str, form: Form, path: Path, needed: int, task: Task) -> None:
    for left in path.parent.glob(f".{path.name}.*.partial"):
        left.unlink(missing_ok=True)
    store.require_space(path.parent, path.name, needed)
    _require_memory(source)
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    task.say("weights_requantizing", file=source.name, form=form)
    try:
        _run(source, partial, form, task)
        check(partial)
        facts = partial.stat()
        made = Made(sha256, form, REVISION, facts.st_size, facts.st_mtime_ns)
        store.put_in_place(partial, path)
        fresh = partial.with_suffix(".json")
        fresh.write_bytes(msgspec.json.encode(made))
        store.put_in_place(fresh, record_of(path))
    finally:
        with suppress(OSError):
            partial.unlink(missing_ok=True)


def _require_memory(source: Path) -> None:
    """The largest matrix in 32 bits and in the new format, and what numpy needs between."""
    header = check(source)
    needed = PROCESS_BYTES + 3 * header.vocabulary_size * header.embedding_length
    available = available_bytes()
    if needed > available:
        shown = {"needed": human_bytes(needed), "free": human_bytes(available)}
        raise WeightsError("weights_memory", model=source.name, **shown)


def _run(source: Path, target: Path, form: Form, task: Task) -> None:
    paths = [str(_ROOT), os.environ.get("PYTHONPATH")]
    command = [sys.executable, "-P", "-m", "app.weights.requantize"]
    process = subprocess.Popen(  # noqa: S603 - our own module, no shell
        [*command, str(source), str(target), form],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
    )
    try:
        while process.poll() is None:
            task.pause(_POLL_SECONDS)
    finally:
        process.kill()
        _, told = process.communicate()
    if process.returncode != 0:
        reason = (told.strip().splitlines() or [f"exit code {process.returncode}"])[-1]
        raise WeightsError("weights_requantize_failed", file=source.name, reason=reason[:200])


def record_of(path: Path) -> Path:
    """What is kept beside a copy."""
    return path.with_name(path.name + ".json")
