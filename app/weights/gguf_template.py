"""The chat template of a GGUF file and the special tokens that it may name."""

from collections.abc import Mapping
from typing import Final

from app.weights.gguf_reader import STRING, GgufReader, Value
from app.weights.gguf_vocabulary import Vocabulary

# The one for tools comes first, where a file has two.
KEYS: Final = ("tokenizer.chat_template.tool_use", "tokenizer.chat_template")
# Longer ones are not compiled here.
MAX_TEMPLATE: Final = 128 * 1024
SPECIAL: Final = {
    "bos_token": "tokenizer.ggml.bos_token_id",
    "eos_token": "tokenizer.ggml.eos_token_id",
    "unk_token": "tokenizer.ggml.unknown_token_id",
    "pad_token": "tokenizer.ggml.padding_token_id",
}


class Template:
    """Where the templates start; told while the metadata is read."""

    def __init__(self) -> None:
        self._starts: dict[str, int] = {}

    def note(self, key: str, kind: int, start: int) -> None:
        if key in KEYS and kind == STRING:
            self._starts[key] = start

    def text(self, reader: GgufReader) -> str:
        """Moves the reader. Empty when there is none, or one that is absurdly long."""
        for key in KEYS:
            if key in self._starts:
                reader.seek(self._starts[key])
                length = reader.unsigned64()
                if length > MAX_TEMPLATE:
                    return ""
                return reader.take(length).decode("utf-8", "replace")
        return ""


def special_tokens(
    pairs: Mapping[str, Value], vocabulary: Vocabulary, reader: GgufReader
) -> dict[str, str]:
    """The spellings that a template may name. Moves the reader."""
    numbers = {name: pairs.get(key) for name, key in SPECIAL.items()}
    known = {name: number for name, number in numbers.items() if isinstance(number, int)}
    found = vocabulary.spellings(reader, [number for number in known.values() if number >= 0])
    return {name: found[number] for name, number in known.items() if found.get(number)}
