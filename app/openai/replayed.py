"""A response that has been answered before, as the pieces that it may have come in."""

from collections.abc import AsyncGenerator
from typing import Any

from app.domain.answer_parts import Said, Thought
from app.domain.call_reader import CallArguments, CallBegun
from app.domain.generation import Usage
from app.openai.services.answers import AnswerEvent, ChoiceEnd, ChoicePart

REASONS = {"max_output_tokens": "length", "content_filter": "content_filter"}


async def replayed(response: dict[str, Any]) -> AsyncGenerator[AnswerEvent, None]:
    """Each item in one piece, and the end."""
    calls = 0
    for item in response["output"]:
        match item["type"]:
            case "reasoning":
                yield ChoicePart(0, Thought(item["content"][0]["text"]))
            case "message":
                yield ChoicePart(0, Said(item["content"][0]["text"]))
            case "function_call":
                yield ChoicePart(0, CallBegun(calls, item["call_id"], item["name"]))
                yield ChoicePart(0, CallArguments(calls, item["arguments"]))
                calls += 1
    reason = (response["incomplete_details"] or {}).get("reason", "")
    yield ChoiceEnd(0, REASONS.get(reason, "stop"), _usage(response["usage"]))


def _usage(usage: dict[str, Any]) -> Usage:
    return Usage(
        usage["input_tokens"],
        usage["output_tokens"],
        usage["total_tokens"],
        usage["input_tokens_details"]["cached_tokens"],
    )
