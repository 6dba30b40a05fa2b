"""An honest look at ONNX weights before an engine loads them: a text decoder, whole, with its
companions; and the facts that follow from all the files together.
"""

import os
import re
from pathlib import Path
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from app.weights import onnx_config, onnx_files
from app.weights.errors import WeightsError
from app.weights.json_files import (
    Card,
    Config,
    GenaiConfig,
    GenerationConfig,
    Tokenizer,
    TokenizerConfig,
    read_json,
)
from app.weights.onnx_external import check_externals, external_files
from app.weights.onnx_files import OnnxFiles, files_of
from app.weights.onnx_graph import OnnxGraph, Value, read_graph
from app.weights.opening import opened
from app.weights.other_formats import refuse_other_format

# What the onnxruntime that this project pins can run.
MAX_OPSET: Final = 28
MIN_OPSET: Final = 7
MAX_IR_VERSION: Final = 14
DOMAINS: Final = frozenset(
    {"", "ai.onnx", "ai.onnx.ml", "com.microsoft", "com.microsoft.nchwc", "ai.onnx.training"}
    | {"ai.onnx.preview.training", "com.microsoft.experimental", "org.pytorch.aten"}
    | {"com.ms.internal.nhwc", "pkg.onnxscript.torch_lib", "pkg.onnxscript.torch_lib.common"}
)
# A protobuf message has 2 GiB at most; what is larger lies in files beside it.
MAX_GRAPH_BYTES: Final = (1 << 31) - 1
PAST_KEY: Final = re.compile(r"^past_key_values\.(\d+)\.key$")
MAX_LAYERS: Final = 1024
MAX_CONTEXT: Final = 1 << 24
VISION_INPUTS: Final = frozenset({"pixel_values", "image_features", "input_features"})


class OnnxHeader(Struct, frozen=True):
    """Facts of ONNX weights. Lengths in tokens and floats; `weight_bytes` on disk.

    `special_tokens` are what a chat template may name; `control_tokens` are spellings that the
    tokenizer turns into control tokens; `card` is what `sllm convert` wrote, if it did; `data`
    are the files of the weights beside the graph.
    """

    files: OnnxFiles
    tokenizer: Path
    architecture: str
    quantization: str
    parameters: int
    languages: tuple[str, ...]
    context_length: int
    vocabulary_size: int
    embedding_length: int
    block_count: int
    head_count_kv: int
    key_length: int
    cache_bits: int
    weight_bytes: int
    chat_template: str
    special_tokens: dict[str, str]
    end_tokens: tuple[int, ...]
    control_tokens: tuple[str, ...]
    card: Card
    data: tuple[Path, ...] = ()

    @property
    def has_chat_template(self) -> bool:
        return bool(self.chat_template)

    @property
    def kv_bytes_per_token(self) -> int:
        """KV cache of one token in all layers, as the graph has it."""
        return 2 * self.block_count * self.head_count_kv * self.key_length * self.cache_bits // 8

    @property
    def file_bytes(self) -> int:
        """What the weights take in memory: onnxruntime repacks matrices beside the mapped file.
        Qwen2.5 0.5B in 8 bits, 565 MB on disk, was measured at 820 MB."""
        return self.weight_bytes * 3 // 2


class Companions(Struct, frozen=True):
    """The JSON files beside a graph, as far as they are there."""

    config: Config
    genai: GenaiConfig
    generation: GenerationConfig
    tokenizer_config: TokenizerConfig
    card: Card


def check(path: Path) -> OnnxHeader:
    """The facts of the weights whose graph is at `path`.

    Reads no weights. Raises WeightsError that says what is wrong and what to do.
    """
    graph = check_graph(path)
    _refuse_other_tasks(graph, path.name)
    files = files_of(path)
    tokenizer = require_tokenizer(files)
    companions = companions_of(files)
    weight_bytes = graph.file_bytes + check_externals(path, graph.externals)
    header = header_of(files, graph, tokenizer, companions, weight_bytes)
    return replace(header, data=external_files(path, graph.externals))


def check_graph(path: Path) -> OnnxGraph:
    """One .onnx file: regular, readable, ONNX of a version that runs, and complete."""
    name = path.name
    with opened(path) as (file, size):
        if size == 0:
            raise WeightsError("weights_empty", file=name)
        refuse_other_format(os.pread(file, 512, 0), name, wanted="ONNX")
        if size > MAX_GRAPH_BYTES:
            raise WeightsError("weights_onnx_two_gigabytes", file=name)
        graph = read_graph(file, size, name)
    if not MIN_OPSET <= graph.opset <= MAX_OPSET or graph.ir_version > MAX_IR_VERSION:
        values = {"opset": graph.opset, "ir": graph.ir_version, "newest": MAX_OPSET}
        raise WeightsError("weights_onnx_version", file=name, **values)
    if strange := sorted(graph.domains - DOMAINS):
        raise WeightsError("weights_onnx_operators", file=name, domain=strange[0][:60])
    return graph


def _refuse_other_tasks(graph: OnnxGraph, name: str) -> None:
    """Graphs that do not write text, or only with the help of other graphs."""
    inputs = graph.inputs
    if VISION_INPUTS & inputs.keys():
        raise WeightsError("weights_onnx_vision", file=name)
    if "encoder_hidden_states" in inputs:
        raise WeightsError("weights_onnx_encoder_decoder", file=name)
    if "input_ids" not in inputs and "inputs_embeds" in inputs:
        raise WeightsError("weights_onnx_part", file=name)
    require_decoder(graph, name, entry="input_ids")


def require_decoder(graph: OnnxGraph, name: str, entry: str) -> None:
    """A graph that goes on from the input `entry`, with a cache."""
    inputs, outputs = graph.inputs, graph.outputs
    if entry not in inputs or "logits" not in outputs:
        found = ", ".join(list(outputs)[:3]) or "-"
        raise WeightsError("weights_onnx_no_logits", file=name, outputs=found[:120])
    if not any(PAST_KEY.match(each) for each in inputs):
        raise WeightsError("weights_onnx_no_cache", file=name)
    if "use_cache_branch" in inputs:
        raise WeightsError("weights_onnx_merged", file=name)


def require_tokenizer(files: OnnxFiles) -> Path:
    found = files.find(onnx_files.TOKENIZER)
    if found is None:
        missing = onnx_files.TOKENIZER
        raise WeightsError("weights_onnx_no_tokenizer", file=files.graph.name, missing=missing)
    return found


def companions_of(files: OnnxFiles) -> Companions:
    config = onnx_config.read(files, onnx_files.CONFIG, Config)
    genai = onnx_config.read(files, onnx_files.GENAI_CONFIG, GenaiConfig)
    if config is None and genai is None:
        values = {"missing": onnx_files.CONFIG, "other": onnx_files.GENAI_CONFIG}
        raise WeightsError("weights_onnx_no_config", file=files.graph.name, **values)
    generation = onnx_config.read(files, onnx_files.GENERATION_CONFIG, GenerationConfig)
    tokens = onnx_config.read(files, onnx_files.SPECIAL_TOKENS, TokenizerConfig)
    tokenizer = onnx_config.read(files, onnx_files.TOKENIZER_CONFIG, TokenizerConfig)
    return Companions(
        config or Config(),
        genai or GenaiConfig(),
        generation or GenerationConfig(),
        tokenizer or tokens or TokenizerConfig(),
        onnx_config.read(files, onnx_files.CARD, Card) or Card(),
    )


def header_of(
    files: OnnxFiles, graph: OnnxGraph, tokenizer: Path, companions: Companions, weight_bytes: int
) -> OnnxHeader:
    config, genai, card = companions.config, companions.genai.model, companions.card
    cache = _cache(graph, companions, files.graph.name)
    spellings = _special_tokens(companions.tokenizer_config)
    added = read_json(tokenizer, Tokenizer).added_tokens
    named = [token.id for token in added if token.content == spellings.get("eos_token")]
    generation = companions.generation
    end = onnx_config.ids(config.eos_token_id, generation.eos_token_id, genai.eos_token_id, named)
    if not end:
        raise WeightsError("weights_onnx_no_end", file=files.graph.name)
    return OnnxHeader(
        files=files,
        tokenizer=tokenizer,
        architecture=config.model_type or genai.type,
        quantization=card.precision or graph.precision,
        parameters=card.parameters or graph.parameters,
        languages=tuple(card.languages),
        context_length=_context_length(companions),
        vocabulary_size=_vocabulary_size(graph, companions),
        embedding_length=config.hidden_size or genai.decoder.hidden_size,
        block_count=sum(1 for each in graph.inputs if PAST_KEY.match(each)),
        head_count_kv=cache[0],
        key_length=cache[1],
        cache_bits=cache[2],
        weight_bytes=weight_bytes,
        chat_template=onnx_config.chat_template(files, companions.tokenizer_config),
        special_tokens=spellings,
        end_tokens=end,
        control_tokens=tuple(token.content for token in added if token.special),
        card=card,
    )


def _cache(graph: OnnxGraph, companions: Companions, name: str) -> tuple[int, int, int]:
    """Heads, floats and bits of a layer's keys: from the graph, else from the configuration."""
    past = next(value for each, value in graph.inputs.items() if PAST_KEY.match(each))
    config, decoder = companions.config, companions.genai.model.decoder
    heads = config.num_key_value_heads or config.num_attention_heads or decoder.num_key_value_heads
    size = config.head_dim or decoder.head_size
    if not size and config.num_attention_heads > 0:
        size = config.hidden_size // config.num_attention_heads
    heads, size = _dimension(past, 1) or heads, _dimension(past, 3) or size
    if past.type is None or not (0 < heads < 4096 and 0 < size < 8192):
        raise WeightsError("weights_onnx_cache_shape", file=name, input=past.name)
    return heads, size, past.type.bits


def _dimension(value: Value, index: int) -> int | None:
    return value.shape[index] if index < len(value.shape) else None


def _context_length(companions: Companions) -> int:
    config = companions.config
    found = config.max_position_embeddings or config.n_positions or config.seq_length
    length = found or companions.genai.model.context_length or 0
    return length if 0 < length <= MAX_CONTEXT else 0


def _vocabulary_size(graph: OnnxGraph, companions: Companions) -> int:
    shape = graph.outputs["logits"].shape
    last = shape[-1] if shape else None
    return last or companions.config.vocab_size or companions.genai.model.vocab_size


def _special_tokens(tokenizer: TokenizerConfig) -> dict[str, str]:
    found = {
        "bos_token": onnx_config.spelling(tokenizer.bos_token),
        "eos_token": onnx_config.spelling(tokenizer.eos_token),
        "pad_token": onnx_config.spelling(tokenizer.pad_token),
        "unk_token": onnx_config.spelling(tokenizer.unk_token),
    }
    return {name: text for name, text in found.items() if text is not None}
