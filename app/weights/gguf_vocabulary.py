"""The control tokens of a GGUF vocabulary, found without keeping the vocabulary."""

from array import array
from collections.abc import Sequence
from typing import Final

from app.weights.gguf_reader import MAX_HEADER, STRING, GgufReader

TOKENS: Final = "tokenizer.ggml.tokens"
TYPES: Final = "tokenizer.ggml.token_type"
# LLAMA_TOKEN_TYPE_UNKNOWN and _CONTROL of llama.h: what parsing special tokens recognises.
SPECIAL_TYPES: Final = frozenset({2, 3})
MAX_SPELLING: Final = 256
MAX_FOUND: Final = 1 << 13
_INT32: Final = 5


class Vocabulary:
    """Where the two arrays start; told while the metadata is read."""

    def __init__(self) -> None:
        self._starts: dict[str, int] = {}

    def note(self, key: str, start: int) -> None:
        if key in (TOKENS, TYPES):
            self._starts[key] = start

    def control_tokens(self, reader: GgufReader) -> tuple[str, ...]:
        """Moves the reader. Empty when the file does not say."""
        if len(self._starts) < 2:
            return ()
        found = self.spellings(reader, self._special(reader))
        return tuple(spelling for spelling in found.values() if 0 < len(spelling) <= MAX_SPELLING)

    def spellings(self, reader: GgufReader, numbers: Sequence[int]) -> dict[int, str]:
        """Of these tokens, as far as they are there. Moves the reader."""
        if TOKENS not in self._starts:
            return {}
        reader.seek(self._starts[TOKENS])
        kind, count = reader.unsigned32(), reader.unsigned64()
        if kind != STRING:
            raise reader.damaged(f"item type of {TOKENS}", kind)
        found, position = {}, 0
        for number in sorted(set(numbers)):
            if number >= count:
                break
            reader.skip_strings(number - position, TOKENS)
            found[number] = reader.string("a token", MAX_HEADER)
            position = number + 1
        return found

    def _special(self, reader: GgufReader) -> list[int]:
        """Indices of special tokens, ascending."""
        reader.seek(self._starts[TYPES])
        kind, count = reader.unsigned32(), reader.unsigned64()
        if kind != _INT32 or count > MAX_HEADER // 4:
            return []
        types = array("i", reader.take(4 * count))
        return [index for index, value in enumerate(types) if value in SPECIAL_TYPES][:MAX_FOUND]
