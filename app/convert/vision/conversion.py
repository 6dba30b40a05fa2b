"""The steps of a conversion of a model that sees: encoder, embedding, decoder, companions."""

import shutil
from pathlib import Path
from typing import Final

from msgspec import Struct

from app.convert import card
from app.convert.builder import Precision, build
from app.convert.conversion import GRAPH, workspace
from app.convert.embedding import Outcome, shrink_embedding
from app.convert.errors import ConvertError
from app.convert.graph_file import GraphFile
from app.convert.vision import language
from app.convert.vision.checkpoint import Checkpoint
from app.convert.vision.encoder import write_hyperclovax, write_llava
from app.convert.vision.quantize import quantize
from app.convert.vision.source import LLAVA, VisionSource, write_config
from app.convert.vision.writer import Weights
from app.weights.memory import available_bytes
from app.weights.sizes import human_bytes
from app.weights.task import Task

ENCODER: Final = "vision_encoder.onnx"
EMBEDDING: Final = "embed_tokens.onnx"
DECODER: Final = "decoder_model_merged.onnx"
COPIED: Final = (
    *("preprocessor_config.json", "processor_config.json", "generation_config.json"),
    *("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json"),
    *("added_tokens.json", "vocab.json", "merges.txt"),
    *("chat_template.jinja", "chat_template.json", "LICENSE", "LICENSE.txt"),
)
# Precisions for which the language model is read with 16 bits at most.
NARROW: Final = ("int8", "int4", "fp16")
# The libraries, and what the builder has of its own; beside it the language model as it is stored
# and one matrix in 32 bits.
BUILDER_BYTES: Final = 1_500_000_000


class Done(Struct, frozen=True):
    """A finished folder; `bytes` are its graphs' and weights'."""

    folder: Path
    bytes: int


def convert(
    source: VisionSource,
    output: Path,
    precision: Precision,
    task: Task,
    weights: Weights = "fp16",
) -> Done:
    """Write `output`, a folder that must not exist; `precision` is the language model's,
    `weights` the encoder's on disk. What is interrupted leaves nothing behind.

    Raises WeightsError, CancelledError.
    """
    checkpoint = Checkpoint(source.path)
    narrow = precision in NARROW
    _require_memory(source, checkpoint, narrow)
    with workspace(output, source.name, _space(checkpoint, narrow), task) as work:
        result = work / "result"
        result.mkdir()
        _encoder(source, checkpoint, result, weights, task)
        embedding = _embedding(checkpoint, work, result, precision, task)
        _decoder(source, checkpoint, work, result, precision, task)
        _companions(source, result)
        _card(source, checkpoint, result, precision, weights, embedding)
        written = sum(file.stat().st_size for file in result.glob("*.onnx*"))
        result.replace(output)
        return Done(output, written)


def _require_memory(source: VisionSource, checkpoint: Checkpoint, narrow: bool) -> None:
    largest = max((4 * _elements(checkpoint, name) for name in checkpoint.places), default=0)
    needed = BUILDER_BYTES + language.language_bytes(checkpoint, narrow) + largest
    free = available_bytes()
    if needed > free:
        shown = {"needed": human_bytes(needed), "free": human_bytes(free)}
        raise ConvertError("convert_memory", file=source.name, **shown)


def _elements(checkpoint: Checkpoint, name: str) -> int:
    count = 1
    for size in checkpoint.shape(name):
        count *= size
    return count


def _space(checkpoint: Checkpoint, narrow: bool) -> int:
    """Bytes: the language model by itself and once more in 32 bits, and the result, which is at
    most as large as that."""
    stored = language.language_bytes(checkpoint, narrow)
    return stored + 2 * 4 * language.parameters(checkpoint)


def _encoder(
    source: VisionSource, checkpoint: Checkpoint, result: Path, weights: Weights, task: Task
) -> None:
    task.check()
    task.say("convert_vision_step_encoder", precision=weights)
    write = write_llava if source.family == LLAVA else write_hyperclovax
    write(checkpoint, source.config, result / ENCODER, weights)


def _embedding(
    checkpoint: Checkpoint, work: Path, result: Path, precision: Precision, task: Task
) -> Outcome:
    """In 32 bits, or in 8 where the language model has fewer than 16."""
    task.check()
    if precision in ("fp32", "fp16"):
        language.write_embedding(checkpoint, result / EMBEDDING)
        return "unchanged"
    task.say("convert_step_embedding")
    language.write_embedding(checkpoint, work / EMBEDDING)
    graph = GraphFile(work / EMBEDDING)
    outcome = shrink_embedding(graph)
    graph.save(result / EMBEDDING)
    _remove(work, EMBEDDING)
    return outcome


def _decoder(
    source: VisionSource,
    checkpoint: Checkpoint,
    work: Path,
    result: Path,
    precision: Precision,
    task: Task,
) -> None:
    """The builder's graph in 32 bits, which takes little memory, quantized by us."""
    task.say("convert_vision_step_language", file=source.name)
    alone, built = work / "language", work / "built"
    narrow = precision in NARROW
    language.save_language(checkpoint, source.text, source.path, alone, narrow, task)
    task.say("convert_step_graph", precision=precision)
    layers = int(source.text["num_hidden_layers"])
    widths: Precision = "fp16" if precision == "fp16" else "fp32"
    build(alone, built, widths, "cpu", layers, task, ["exclude_embeds=true"])
    shutil.rmtree(alone)
    graph = GraphFile(built / GRAPH)
    _tell_head_size(graph, language.head_size(source.text))
    if precision == "int4":
        quantize(graph, 4, layers, task)
    elif precision == "int8":
        quantize(graph, 8, layers, task)
    graph.save(result / DECODER)
    shutil.rmtree(built)


def _tell_head_size(graph: GraphFile, size: int) -> None:
    """The builder leaves the width of a head open in the cache's shape: an engine would have to
    look for it in config.json, which has it in another place with each generation."""
    for each in (*graph.model.graph.input, *graph.model.graph.output):
        dimensions = each.type.tensor_type.shape.dim
        if len(dimensions) == 4 and not dimensions[3].dim_value:
            dimensions[3].dim_value = size


def _companions(source: VisionSource, result: Path) -> None:
    for name in COPIED:
        if (source.path / name).is_file():
            shutil.copyfile(source.path / name, result / name)
    write_config(source, result)


def _card(
    source: VisionSource,
    checkpoint: Checkpoint,
    result: Path,
    precision: Precision,
    weights: Weights,
    embedding: Outcome,
) -> None:
    facts = {
        "source": source.name,
        "name": source.name,
        "architecture": source.family,
        "precision": precision,
        "vision_precision": weights,
        "embedding": embedding,
        "parameters": language.parameters(checkpoint),
    }
    card.write(result, facts)


def _remove(folder: Path, name: str) -> None:
    for file in folder.glob(f"{name}*"):
        file.unlink()
