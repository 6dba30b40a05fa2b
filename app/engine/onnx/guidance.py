"""Token masks that hold an answer to JSON or to a JSON Schema, by llguidance, which is also what
llama.cpp uses: the same schemas mean the same.
"""

import json
from typing import Any, Final

import numpy as np
from llguidance import LLMatcher, LLParserLimits, LLTokenizer

from app.domain.errors import SllmError
from app.domain.options import ResponseFormat
from app.engine.answer_schema import answer_schema

# What one token of one answer may cost the others, who wait for its mask: at most 4 ms and 15 MB
# were measured with the worst of the patterns that the API lets through (`.*a.{16}b|.*c.{16}d`),
# against 62 ms and 62 MB with the library's own limits. No schema of a sane form comes near.
LIMITS: Final = LLParserLimits(step_lexer_fuel=50_000, max_lexer_states=50_000)


class Guide:
    """The state of one constrained answer; not shared between threads."""

    def __init__(self, vocabulary: LLTokenizer, schema: dict[str, Any]) -> None:
        self._matcher = LLMatcher(vocabulary, _grammar(schema), log_level=0, limits=LIMITS)
        # Words of 32 bits, one bit a token.
        self._mask = np.zeros((vocabulary.vocab_size + 31) // 32, np.uint32)
        self._check()

    @property
    def finished(self) -> bool:
        """Nothing but the end may follow."""
        return self._matcher.is_stopped()

    def restrict(self, logits: np.ndarray[Any, np.dtype[np.float32]]) -> None:
        """Exclude (minus infinity) every token that cannot come next. Raises SllmError."""
        self._matcher.unsafe_compute_mask_ptr(self._mask.ctypes.data, self._mask.nbytes)
        self._check()
        allowed = np.unpackbits(self._mask.view(np.uint8), bitorder="little")
        logits[allowed[: len(logits)] == 0] = -np.inf
        logits[len(allowed) :] = -np.inf

    def accept(self, token: int) -> None:
        """Go on after `token`. Raises SllmError when the grammar has grown beyond its limits."""
        self._matcher.consume_token(token)
        self._check()

    def _check(self) -> None:
        if self._matcher.is_error():
            raise _too_complex()


def _grammar(schema: dict[str, Any]) -> str:
    try:
        return LLMatcher.grammar_from_json_schema(json.dumps(schema, ensure_ascii=False))
    except (ValueError, RecursionError) as error:
        raise _too_complex() from error


def _too_complex() -> SllmError:
    return SllmError("invalid_parameter", "schema_complex", param="response_format")


def guide(vocabulary: LLTokenizer, wanted: ResponseFormat) -> Guide | None:
    """A guide where the answer's form is bound. Compiling may take a while (milliseconds up)."""
    schema = answer_schema(wanted)
    return None if schema is None else Guide(vocabulary, schema)
