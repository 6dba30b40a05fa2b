"""Which JSON Schemas may constrain an answer: those the engines survive, and enforce in full.

llama.cpp compiles schemas with llguidance. A schema that it cannot compile is not an error
there, the answer is just unconstrained; a huge one takes the process down. So both are refused
here: first what is big or exotic, by counting, then what the same compiler does not take.
"""

import json
from collections.abc import Mapping
from typing import Any, NoReturn

from llguidance import LLMatcher

from app.domain.errors import SllmError

MAX_BYTES = 64 * 1024
MAX_DEPTH = 32


def check_response_schema(schema: Mapping[str, Any]) -> None:
    """Raise SllmError `invalid_parameter` unless every answer can be held to `schema`."""
    try:
        text = json.dumps(schema)
    except (ValueError, TypeError, RecursionError):
        refuse("schema_keyword_type", keyword="schema")
    if len(text.encode("utf-8")) > MAX_BYTES:
        refuse("schema_too_large", limit=MAX_BYTES)
    if LLMatcher.validate_grammar(LLMatcher.grammar_from_json_schema(text)):
        refuse("schema_complex")


def refuse(text: str, **values: Any) -> NoReturn:
    """Raise the error that says `text` about the response format."""
    raise SllmError("invalid_parameter", text, param="response_format", **values)
