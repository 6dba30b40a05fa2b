"""The header of a GGUF file: what the weights are, and how many bytes the file must have.

Format: the GGUF specification, versions 2 and 3, little-endian. Refusals in words that need
more than the header (other formats, missing parts) are preflight's.
"""

from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from app.weights.errors import WeightsError
from app.weights.ggml_types import FILE_TYPES
from app.weights.gguf_reader import GgufReader, Skipped, Value
from app.weights.gguf_template import Template, special_tokens
from app.weights.gguf_tensors import Tensors, read_tensors
from app.weights.gguf_vocabulary import Vocabulary

MAGIC: Final = b"GGUF"
VERSIONS: Final = (2, 3)
MAX_PAIRS: Final = 4096
MAX_KEY: Final = 256


class GgufHeader(Struct, frozen=True):
    """Facts of one set of weights; a missing number is 0. Lengths in tokens, layers and
    floats; `head_count_kv` has one item per layer. `parameters` counts weights.
    `file_bytes` is the least size of a whole file, `tensor_bytes` the part that is weights.
    `control_tokens` are spellings that the tokenizer turns into control tokens;
    `special_tokens` are what `chat_template` may name.
    """

    version: int
    architecture: str
    type: str
    name: str | None
    languages: tuple[str, ...]
    license: str | None
    quantization: str
    context_length: int
    block_count: int
    embedding_length: int
    head_count: int
    head_count_kv: tuple[int, ...]
    key_length: int
    value_length: int
    sliding_window: int
    vocabulary_size: int
    has_chat_template: bool
    pooling_type: int
    causal: bool
    split_count: int
    tensor_count: int
    parameters: int
    tensor_bytes: int
    file_bytes: int
    control_tokens: tuple[str, ...] = ()
    chat_template: str = ""
    special_tokens: dict[str, str] = {}

    @property
    def kv_bytes_per_token(self) -> int:
        """KV cache of one token in all layers, in 16 bits, as if no window slid."""
        return 2 * sum(self.head_count_kv) * (self.key_length + self.value_length)


class Metadata:
    """Typed access to the key-value pairs; a value of another type is an error."""

    def __init__(self, pairs: dict[str, Value], reader: GgufReader) -> None:
        self.pairs, self._reader = pairs, reader
        self.architecture = self.text("general.architecture") or ""

    def text(self, key: str) -> str | None:
        value = self.pairs.get(key)
        if value is None or isinstance(value, Skipped):
            return None
        if not isinstance(value, str):
            raise self._reader.damaged(key, value)
        return value

    def number(self, key: str, default: int = 0) -> int:
        """A count, as every integer of a GGUF header is: never negative."""
        return self._count(key, self.pairs.get(key, default))

    def own(self, key: str, default: int = 0) -> int:
        return self.number(f"{self.architecture}.{key}", default)

    def own_real(self, key: str, default: float) -> float:
        """A number that need not be whole."""
        key = f"{self.architecture}.{key}"
        value = self.pairs.get(key, default)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self._reader.damaged(key, value)
        return float(value)

    def per_layer(self, key: str, layers: int, default: int) -> tuple[int, ...]:
        """One number for all layers, or one for each."""
        key = f"{self.architecture}.{key}"
        value = self.pairs.get(key, default)
        if isinstance(value, list):
            return tuple(self._count(key, item) for item in value)
        return (self._count(key, value),) * layers

    def flag(self, key: str, default: bool) -> bool:
        return bool(self.pairs.get(key, default))

    def items(self, key: str) -> int:
        """How many items the array under `key` has."""
        value = self.pairs.get(key)
        if isinstance(value, list):
            return len(value)
        return value.length if isinstance(value, Skipped) else 0

    def strings(self, key: str) -> tuple[str, ...]:
        value = self.pairs.get(key)
        found = value if isinstance(value, list) else []
        return tuple(item for item in found if isinstance(item, str))

    def has(self, key: str) -> bool:
        return key in self.pairs

    def _count(self, key: str, value: Value) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 1 << 32:
            raise self._reader.damaged(key, value)
        return value


def read_header(file: int, size: int, name: str) -> GgufHeader:
    """Parse the open regular file of `size` bytes; `name` is its base name for messages.

    Reads the header only. Raises WeightsError when it is not GGUF of a known version, is cut
    within the header, or has values that cannot be.
    """
    reader = GgufReader(file, size, name)
    version = _read_version(reader, name)
    tensor_count, vocabulary, template = reader.unsigned64(), Vocabulary(), Template()
    metadata = _read_metadata(reader, vocabulary, template)
    tensors = read_tensors(reader, tensor_count, metadata.number("general.alignment", 32))
    header = _header(version, metadata, tensors, vocabulary.control_tokens(reader))
    return replace(
        header,
        chat_template=template.text(reader),
        special_tokens=special_tokens(metadata.pairs, vocabulary, reader),
    )


def read_metadata(file: int, size: int, name: str) -> Metadata:
    """The key-value pairs alone, for files that are not weights of a language model."""
    reader = GgufReader(file, size, name)
    _read_version(reader, name)
    reader.unsigned64()
    return _read_metadata(reader, Vocabulary(), Template())


def _read_metadata(reader: GgufReader, vocabulary: Vocabulary, template: Template) -> Metadata:
    pair_count = reader.unsigned64()
    if pair_count > MAX_PAIRS:
        raise reader.damaged("number of metadata pairs", pair_count)
    pairs: dict[str, Value] = {}
    for _ in range(pair_count):
        key = reader.string("a metadata key", MAX_KEY)
        if key in pairs:
            raise reader.damaged("metadata key twice", key)
        kind, start = reader.unsigned32(), reader.position
        pairs[key] = reader.value(kind, key)
        vocabulary.note(key, start)
        template.note(key, kind, start)
    return Metadata(pairs, reader)


def _read_version(reader: GgufReader, name: str) -> int:
    if reader.take(4) != MAGIC:
        raise WeightsError("weights_not_gguf", file=name)
    version = reader.unsigned32()
    if version in VERSIONS:
        return version
    if version and not version & 0xFFFF:
        raise WeightsError("weights_big_endian", file=name)
    raise WeightsError("weights_gguf_version", file=name, version=version)


def _header(
    version: int, metadata: Metadata, tensors: Tensors, control_tokens: tuple[str, ...]
) -> GgufHeader:
    layers = metadata.own("block_count")
    if layers > MAX_PAIRS:
        raise WeightsError(
            "weights_absurd_header", file=tensors.file, what=f"block_count = {layers}"
        )
    heads = metadata.per_layer("attention.head_count", layers, 0)
    head_count = max(heads, default=0)
    embedding = metadata.own("embedding_length")
    head_size = embedding // head_count if head_count else 0
    file_type = FILE_TYPES.get(metadata.number("general.file_type", 1 << 31))
    return GgufHeader(
        version=version,
        architecture=metadata.architecture,
        type=metadata.text("general.type") or "model",
        name=metadata.text("general.name"),
        languages=metadata.strings("general.languages"),
        license=metadata.text("general.license"),
        quantization=file_type or tensors.main_type,
        context_length=metadata.own("context_length"),
        block_count=layers,
        embedding_length=embedding,
        head_count=head_count,
        head_count_kv=metadata.per_layer("attention.head_count_kv", layers, head_count),
        key_length=metadata.own("attention.key_length", head_size),
        value_length=metadata.own("attention.value_length", head_size),
        sliding_window=metadata.own("attention.sliding_window"),
        vocabulary_size=metadata.items("tokenizer.ggml.tokens"),
        has_chat_template=metadata.has("tokenizer.chat_template"),
        pooling_type=metadata.own("pooling_type"),
        causal=metadata.flag(f"{metadata.architecture}.attention.causal", True),
        split_count=metadata.number("split.count"),
        tensor_count=tensors.count,
        parameters=tensors.parameters,
        tensor_bytes=tensors.bytes,
        file_bytes=tensors.end,
        control_tokens=control_tokens,
    )
