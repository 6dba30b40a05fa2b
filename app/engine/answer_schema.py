"""The JSON Schema that holds an answer, as both engines give it to llguidance."""

from typing import Any, Final

from app.domain.options import ResponseFormat

ANY_OBJECT: Final = {"type": "object"}
# On one line, with the blanks that people write. Small weights that may write blanks as they like
# write nothing else, until max_tokens.
ONE_LINE: Final = {"whitespace_flexible": False, "item_separator": ", ", "key_separator": ": "}


def answer_schema(wanted: ResponseFormat) -> dict[str, Any] | None:
    """None where the answer is free; the compiler's own options are in `x-guidance`."""
    if wanted.type == "text":
        return None
    schema = ANY_OBJECT if wanted.type == "json_object" else wanted.schema or {}
    return {**schema, "x-guidance": ONE_LINE}
