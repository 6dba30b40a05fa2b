"""Token masks that hold an answer to JSON or to a JSON Schema, by llguidance, which is also what
llama.cpp uses: the same schemas mean the same.
"""

import json
from typing import Any

import numpy as np
from llguidance import LLMatcher, LLTokenizer

from app.domain.errors import SllmError
from app.domain.options import ResponseFormat
from app.engine.answer_schema import answer_schema


class Guide:
    """The state of one constrained answer; not shared between threads."""

    def __init__(self, vocabulary: LLTokenizer, schema: dict[str, Any]) -> None:
        grammar = LLMatcher.grammar_from_json_schema(json.dumps(schema, ensure_ascii=False))
        self._matcher = LLMatcher(vocabulary, grammar, log_level=0)
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
            raise SllmError("invalid_parameter", "schema_complex", param="response_format")


def guide(vocabulary: LLTokenizer, wanted: ResponseFormat) -> Guide | None:
    """A guide where the answer's form is bound. Compiling may take a while (milliseconds up)."""
    schema = answer_schema(wanted)
    return None if schema is None else Guide(vocabulary, schema)
