"""Text to token ids and back, through the weights' own tokenizer.json."""

import codecs
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec
from llguidance import LLTokenizer
from tokenizers import AddedToken, Tokenizer

from app.engine.backends.base import LoadError
from app.engine.backends.chat_prompt import ALWAYS_CONTROL

# Put before a run of plain text, so that it is tokenized as the middle of a text: some tokenizers
# begin every text with a blank.
_MIDDLE: Final = "\0"


class TextTokenizer:
    """`control_tokens` are the spellings that only a template may use, `more` of them those that
    the tokenizer does not mark. Not for two threads at once: whether they are seen in a text is
    a switch of the library's object."""

    def __init__(self, path: Path, model: str, more: Sequence[str] = ()) -> None:
        try:
            self._tokenizer = Tokenizer.from_str(_guarded(path.read_bytes(), more))
        except (OSError, UnicodeDecodeError, msgspec.DecodeError) as error:
            raise LoadError("onnx_tokenizer", model=model, reason=str(error)[:200]) from error
        except Exception as error:
            # The library has no error type of its own.
            raise LoadError("onnx_tokenizer", model=model, reason=str(error)[:200]) from error
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        added = self._tokenizer.get_added_tokens_decoder().values()
        self.control_tokens = tuple(token.content for token in added if token.special)
        self._tokenizer.add_tokens([AddedToken(_MIDDLE, normalized=False)])

    def ids(
        self, text: str, *, control: bool, ends: bool = False, middle: bool = False
    ) -> list[int]:
        """Token ids. With `control` the spellings of control tokens become those tokens; with
        `ends` come the tokens that the tokenizer puts around a text; `middle` is for a text
        that goes on another one."""
        self._tokenizer.encode_special_tokens = not control
        text = text.replace(_MIDDLE, "")
        ids: list[int] = self._tokenizer.encode(
            _MIDDLE + text if middle else text, add_special_tokens=ends
        ).ids
        return ids[1:] if middle else ids


def _guarded(file: bytes, more: Sequence[str]) -> str:
    """tokenizer.json in which all that is known as a control token is marked as one."""
    content = msgspec.json.decode(file)
    if not isinstance(content, dict):
        raise msgspec.DecodeError("not an object")
    for token in content.get("added_tokens", []):
        if token["content"] in ALWAYS_CONTROL or token["content"] in more:
            token["special"] = True
    return msgspec.json.encode(content).decode()


def _written(file: bytes) -> dict[int, bytes]:
    """Added tokens that are words and no control tokens (`<tool_call>`, `<think>`): llguidance
    does not tell these apart."""
    added = msgspec.json.decode(file).get("added_tokens", [])
    return {
        token["id"]: token["content"].encode()
        for token in added
        if not token.get("special") and token["content"] not in ALWAYS_CONTROL
    }


class Vocabulary:
    """The bytes of each token, and the tokenizer as llguidance wants it. `size` is the width of
    the model's logits, which may go beyond the tokens."""

    def __init__(self, path: Path, size: int, end_tokens: Sequence[int], model: str) -> None:
        try:
            self.guidance = LLTokenizer(str(path), n_vocab=size, eos_token=list(end_tokens) or None)
        except ValueError as error:
            reason = str(error).replace(str(path), path.name)[:200]
            raise LoadError("onnx_tokenizer", model=model, reason=reason) from error
        self.size = size
        self._bytes: dict[int, bytes] = _written(path.read_bytes())

    def bytes_of(self, token: int) -> bytes:
        """What a token writes; control tokens write nothing."""
        known = self._bytes.get(token)
        if known is None:
            special = self.guidance.is_special_token(token)
            known = b"" if special else self.guidance.decode_bytes([token])
            self._bytes[token] = known
        return known


class TextStream:
    """Tokens to text, as they come. A character that is not whole yet waits; bytes that are no
    UTF-8 are left out, never replaced."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary
        self._decoder = codecs.getincrementaldecoder("utf-8")("ignore")

    def bytes_of(self, token: int) -> bytes:
        return self._vocabulary.bytes_of(token)

    def feed(self, token: int) -> str:
        return self._decoder.decode(self._vocabulary.bytes_of(token))
