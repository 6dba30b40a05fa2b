"""The forms in which weights may be served here: what there is, what can be made, what it takes."""

import json
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Final, Literal, get_args

from msgspec import Struct
from msgspec.structs import replace

from app.convert import requirements
from app.convert.builder import REVISIONS, Precision
from app.domain.model_info import Notice
from app.tuned.choice import Kind
from app.weights import ModelSpec, requantized
from app.weights.ensure import CONVERTED_FOLDER
from app.weights.onnx_files import choose_graph, is_onnx_folder
from app.weights.preflight import check
from app.weights.task import Task

Wanted = Literal["Q8_0", "Q5_1", "Q5_0", "Q4_1", "Q4_0", "int8", "int4"]
WANTED: Final[tuple[Wanted, ...]] = get_args(Wanted)
USUAL: Final[tuple[Wanted, ...]] = ("Q8_0", "Q4_0", "int8", "int4")
# Of one weight on disk, at the most; in the middle of a conversion it is there in 32 bits, too.
_GRAPH_BYTES: Final = {"int8": 2.0, "int4": 2.0}
_CONVERTING_BYTES: Final = 4


class Candidate(Struct, frozen=True):
    """A form of the weights that is on this machine; `form` as app.tuned.choice has it. `made` are
    the files and folders that were made for this run."""

    name: str
    kind: Kind
    form: str
    weights: ModelSpec
    made: tuple[Path, ...] = ()

    @property
    def disk(self) -> int:
        """Bytes of the weights."""
        path = Path(self.weights.path)
        files = path.parent.iterdir() if self.weights.format == "onnx" else [path]
        return sum(file.stat().st_size for file in files if file.is_file())

    def remove(self) -> None:
        """What was made for this run."""
        for path in self.made:
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)


class Offer(Struct, frozen=True):
    """What can be tried: `missing` needs `bytes` of disk to be made; `notices` tell what cannot."""

    forms: tuple[Wanted, ...]
    missing: tuple[Wanted, ...]
    bytes: int
    notices: tuple[Notice, ...]


def offer(source: ModelSpec, sha256: str, data_dir: Path, wanted: Iterable[Wanted]) -> Offer:
    """Looks, makes nothing. Raises WeightsError."""
    if source.format == "onnx":
        return Offer((), (), 0, (Notice("tune_onnx_source", {"model": source.id}),))
    header, notices = check(Path(source.path)), []
    forms = [each for each in WANTED if each in set(wanted) and each != header.quantization]
    here = {each for each in forms if _here(source, sha256, each, data_dir)}
    absent = requirements.missing()
    graphs = [each for each in forms if each in REVISIONS and each not in here]
    if absent and graphs:
        values = {"missing": ", ".join(absent), "torch": requirements.TORCH}
        notices.append(Notice("tune_no_convert", {**values}))
        forms = [each for each in forms if each not in graphs]
    missing = tuple(each for each in forms if each not in here)
    size = sum(_bytes(source, header.parameters, each) for each in missing)
    return Offer(tuple(forms), missing, size, tuple(notices))


def source_of(weights: ModelSpec) -> Candidate:
    quantization = check(Path(weights.path)).quantization if weights.format == "gguf" else "ONNX"
    return Candidate(quantization, "source", "", weights)


def made(source: ModelSpec, sha256: str, form: Wanted, data_dir: Path, task: Task) -> Candidate:
    """In that form, made unless it is there. Raises WeightsError, CancelledError."""
    if form == "int8" or form == "int4":
        return _graph(source, sha256, form, data_dir, task)
    there = requantized.present(Path(source.path), sha256, form, data_dir)
    path = there or requantized.make(Path(source.path), sha256, form, data_dir, task)
    files = () if there else (path, requantized.record_of(path))
    return Candidate(form, "gguf", form, replace(source, path=str(path)), files)


def _here(source: ModelSpec, sha256: str, form: Wanted, data_dir: Path) -> bool:
    if form == "int8" or form == "int4":
        return _is_of(_folder(source, form, data_dir), sha256, form)
    return requantized.present(Path(source.path), sha256, form, data_dir) is not None


def _bytes(source: ModelSpec, parameters: int, form: Wanted) -> int:
    if form == "int8" or form == "int4":
        return int(parameters * (_GRAPH_BYTES[form] + _CONVERTING_BYTES))
    return requantized.copy_bytes(Path(source.path), form)


def _folder(source: ModelSpec, precision: Precision, data_dir: Path) -> Path:
    """Where `sllm convert` puts it, too."""
    return data_dir / CONVERTED_FOLDER / f"{source.id}-{precision}"


def _is_of(folder: Path, sha256: str, precision: Precision) -> bool:
    """Whether it was converted from these very weights, by this converter."""
    try:
        card = json.loads((folder / "sllm.json").read_bytes())
        told = (card["source_sha256"], card["converter"])
    except (OSError, ValueError, TypeError, KeyError):
        return False
    return told == (sha256, REVISIONS[precision]) and is_onnx_folder(folder)


def _graph(
    source: ModelSpec, sha256: str, precision: Precision, data_dir: Path, task: Task
) -> Candidate:
    folder = _folder(source, precision, data_dir)
    there = _is_of(folder, sha256, precision)
    if not there:
        # Late: these need the extra.
        from app.convert.conversion import convert
        from app.convert.source import find_source

        if folder.exists():
            folder = folder.with_name(f"{folder.name}-{sha256[:12]}")
        if not folder.exists():
            convert(find_source(source.path, data_dir, task), folder, precision, task)
    weights = replace(source, path=str(choose_graph(folder).absolute()), format="onnx")
    return Candidate(
        f"ONNX {precision}", "onnx", str(folder.absolute()), weights, () if there else (folder,)
    )
