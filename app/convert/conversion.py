"""The steps of a conversion, in a folder that takes its name only when everything is right."""

import gc
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from app.convert import quality, source
from app.convert.builder import Algorithm, Device, Precision, build
from app.convert.card import Made, write_card
from app.convert.corrections import correct
from app.convert.embedding import Outcome, shrink_embedding
from app.convert.errors import ConvertError
from app.convert.graph_file import GraphFile
from app.convert.quality import Quality
from app.convert.source import Source
from app.weights import store
from app.weights.json_files import Config, read_json
from app.weights.onnx_preflight import OnnxHeader, check
from app.weights.task import Task

GRAPH: Final = "model.onnx"
# Of one weight with its scales, as the builder writes it.
BYTES: Final[dict[Precision, float]] = {"int8": 1.2, "int4": 0.9, "fp16": 2.1, "fp32": 4.1}


class Converted(Struct, frozen=True):
    """A finished folder; `bytes` are its weights' on disk."""

    folder: Path
    bytes: int
    quality: Quality


def convert(
    found: Source, output: Path, precision: Precision, task: Task, device: Device = "cpu"
) -> Converted:
    """Write `output`, a folder that must not exist. What is interrupted leaves nothing behind;
    what is killed leaves a hidden folder beside it, which the next conversion clears.

    Raises WeightsError, CancelledError.
    """
    with workspace(output, found.name, _space(found, precision), task) as work:
        folder = found.path if found.header is None else work / "source"
        if found.header is not None:
            task.say("convert_step_source", file=found.path.name)
            source.dequantize(found.path, folder, task)
        result, made = _graph(folder, work, precision, device, task)
        facts = _facts(folder, result, made.embedding)
        compared = _quality(folder, result, facts, task)
        write_card(result, found, facts, made, compared)
        result.replace(output)
        return Converted(output, facts.weight_bytes, compared)


@contextmanager
def workspace(output: Path, name: str, needed: int, task: Task) -> Iterator[Path]:
    """An empty folder beside `output` for as long as the block runs, for one process at a time.
    Raises WeightsError when `output` exists, or where `needed` bytes do not fit."""
    if output.exists():
        raise ConvertError("convert_exists", folder=output.name)
    work = output.with_name(f".{output.name}.converting")
    with store.disk_errors(work.parent, name, needed):
        work.parent.mkdir(parents=True, exist_ok=True)
        with store.locked(work.with_name(work.name + ".lock"), task):
            shutil.rmtree(work, ignore_errors=True)
            try:
                store.require_space(work.parent, name, needed)
                work.mkdir()
                yield work
            finally:
                shutil.rmtree(work, ignore_errors=True)
                work.with_name(work.name + ".lock").unlink(missing_ok=True)


def _space(found: Source, precision: Precision) -> int:
    """Bytes: the dequantized source, what the builder writes, and the result."""
    if found.header is None:
        files = list(found.path.glob("*.safetensors"))
        parameters, copy = sum(file.stat().st_size for file in files) // 2, 0
    else:
        parameters, copy = found.header.parameters, 4 * found.header.parameters
    return int(copy + parameters * (BYTES[precision] + max(BYTES[precision], 2)))


def _graph(
    folder: Path, work: Path, precision: Precision, device: Device, task: Task
) -> tuple[Path, Made]:
    """The builder's graph with our embedding, and everything that the engine needs beside it."""
    task.say("convert_step_graph", precision=precision)
    built, result = work / "built", work / "result"
    build(folder, built, precision, device, _layers(folder), task)
    graph = GraphFile(built / GRAPH)
    correct(graph, folder)
    outcome: Outcome = "unchanged"
    algorithm: Algorithm | None = "round_to_nearest" if precision == "int8" else None
    if precision == "int4":
        algorithm = _improve(graph, folder, task)
    if precision in ("int8", "int4"):
        task.say("convert_step_embedding")
        outcome = shrink_embedding(graph)
    task.check()
    result.mkdir()
    graph.save(result / GRAPH)
    for file in built.iterdir():
        if file.is_file() and not file.name.startswith(GRAPH):
            shutil.copyfile(file, result / file.name)
    source.copy_companions(folder, result)
    return result, Made(precision, algorithm, outcome)


def _improve(graph: GraphFile, folder: Path, task: Task) -> Algorithm:
    # Late: it needs PyTorch, which what can be refused is refused without.
    from app.convert.four_bits import improve

    task.say("convert_step_weights")
    algorithm = improve(graph, folder, task)
    # The source's weights, before the comparison reads them again.
    gc.collect()
    return algorithm


def _layers(folder: Path) -> int:
    return read_json(folder / "config.json", Config).num_hidden_layers


def _facts(folder: Path, result: Path, embedding: Outcome) -> OnnxHeader:
    """What a server will see of the result; its weights counted as the source has them."""
    config = read_json(folder / "config.json", Config)
    parameters = source.parameters_of(folder)
    if embedding == "shared_int8" and not config.tie_word_embeddings:
        parameters -= config.vocab_size * config.hidden_size
    return msgspec.structs.replace(check(result / GRAPH), parameters=parameters)


def _quality(folder: Path, result: Path, facts: OnnxHeader, task: Task) -> Quality:
    task.say("convert_step_check")
    return quality.compare(result, facts, quality.measure_source(folder, task), task)
