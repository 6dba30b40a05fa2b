"""The response as an object: what was asked for, as it is kept with the answer, and what came."""

import time
from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct

from app.database.records import StoredMessage
from app.database.responses import StoredResponse
from app.domain.errors import SllmError
from app.domain.generation import Usage
from app.domain.options import GenerationOptions
from app.domain.parts import Parts
from app.errors import message_of
from app.openai.ids import response_id, stem_of
from app.openai.items import Item, items_of
from app.openai.models.responses import ResponseRequest

# What this dialect keeps for itself: how many messages came with the request, whether it named its
# conversation, and when it came.
INPUTS, NAMED, CREATED = "inputs", "named", "created"
ERROR, CANCELLED = "error", "cancelled"
OWN = frozenset({INPUTS, NAMED, CREATED, ERROR, CANCELLED})
# Of an answer that was not asked for in this dialect.
UNTOLD: Mapping[str, Any] = {
    "background": False,
    "instructions": None,
    "max_output_tokens": None,
    "max_tool_calls": None,
    "model": "unknown",
    "parallel_tool_calls": True,
    "previous_response_id": None,
    "prompt_cache_key": None,
    "reasoning": {"effort": None, "summary": None},
    "safety_identifier": None,
    "service_tier": "default",
    "store": True,
    "temperature": None,
    "text": {"format": {"type": "text"}, "verbosity": "medium"},
    "tool_choice": "auto",
    "tools": [],
    "top_logprobs": 0,
    "top_p": None,
    "truncation": "disabled",
    "user": None,
    "metadata": {},
}
ERROR_CODES = {429: "rate_limit_exceeded"}
ENDS = {"length": "max_output_tokens", "content_filter": "content_filter"}


def facts_of(body: ResponseRequest, options: GenerationOptions) -> dict[str, Any]:
    """What a response tells again of its request; the model is named once it is known."""
    names = {"instructions", "max_output_tokens", "max_tool_calls", "previous_response_id"}
    names |= {"prompt_cache_key", "safety_identifier", "user"}
    tools = [tool.model_dump(by_alias=True) for tool in body.tools or ()]
    choice = body.tool_choice
    given: dict[str, Any] = {
        "background": bool(body.background),
        "parallel_tool_calls": body.parallel_tool_calls is not False,
        "store": body.keeps,
        "temperature": options.temperature,
        "text": _text(body),
        "tool_choice": "auto" if choice is None else choice,
        "tools": tools,
        "top_logprobs": body.top_logprobs or 0,
        "top_p": options.top_p,
        CREATED: int(time.time()),
        "truncation": body.truncation or "disabled",
        "metadata": body.metadata or {},
    }
    if choice is not None and not isinstance(choice, str):
        given["tool_choice"] = choice.model_dump()
    if body.reasoning is not None:
        given["reasoning"] = body.reasoning.model_dump(include={"effort", "summary"})
    return {**UNTOLD, **body.model_dump(include=names), **given}


def _text(body: ResponseRequest) -> dict[str, Any]:
    wanted = body.text.format if body.text else None
    if wanted is None:
        return dict(UNTOLD["text"])
    return {
        "format": wanted.model_dump(by_alias=True, exclude_none=True),
        "verbosity": "medium",
    }


class Told(Struct, frozen=True):
    """A response to be told of: its id's random part, and what is known before it is written."""

    stem: str
    facts: dict[str, Any]
    conversation_id: str | None = None

    def object(
        self,
        status: str,
        output: Sequence[Item] = (),
        usage: Usage | None = None,
        thought_share: float = 0.0,
        error: dict[str, str] | None = None,
        reason: str | None = None,
    ) -> dict[str, Any]:
        """As clients read it."""
        place = self.conversation_id
        return {
            "id": f"resp_{self.stem}",
            "object": "response",
            "created_at": self.facts[CREATED],
            "status": status,
            "error": error,
            "incomplete_details": {"reason": reason} if reason else None,
            "output": list(output),
            "conversation": {"id": place} if place else None,
            "usage": usage_of(usage, thought_share) if usage else None,
            **{name: value for name, value in self.facts.items() if name not in OWN},
        }

    def finished(
        self, parts: Parts, finish_reason: str, usage: Usage, output: Sequence[Item]
    ) -> dict[str, Any]:
        """The whole answer."""
        reason = ENDS.get(finish_reason)
        status = "incomplete" if reason else "completed"
        return self.object(status, output, usage, thought_share(parts), reason=reason)


def stored_object(stored: StoredResponse, language: str) -> dict[str, Any]:
    """A response that is kept, in whatever state it is."""
    answer = stored.answer
    facts = {**UNTOLD, CREATED: int(answer.created_at.timestamp()), **stored.facts}
    if not stored.facts and len(stored.messages) > 2:
        before = stored.messages[-3]
        if before.role == "assistant":
            facts |= {"previous_response_id": response_id(before.id)}
    told = Told(stem_of(answer.id), facts, stored.conversation_id)
    status, reason, error = _state(answer, facts)
    output = items_of(answer)
    if answer.status != "complete" and not answer.content and answer.parts is None:
        output = []
    failed = failure(SllmError(error), language) if error else None
    share = thought_share(answer.parts or Parts(answer.content))
    return told.object(status, output, answer.usage, share, failed, reason)


def _state(answer: StoredMessage, facts: Mapping[str, Any]) -> tuple[str, str | None, str | None]:
    """Status, why it is incomplete, and the code of what went wrong."""
    match answer.status:
        case "pending":
            return "in_progress", None, None
        case "interrupted" if facts.get(CANCELLED):
            return "cancelled", None, None
        case "interrupted" if not facts.get(ERROR):
            return "incomplete", "interrupted", None
        case "failed" | "interrupted":
            return "failed", None, facts.get(ERROR) or "internal_error"
    reason = ENDS.get(answer.finish_reason or "")
    return ("incomplete" if reason else "completed"), reason, None


def failure(error: SllmError, language: str) -> dict[str, str]:
    """An error as a response holds it."""
    default = "server_error" if error.status >= 500 else "invalid_prompt"
    code = ERROR_CODES.get(error.status, default)
    return {"code": code, "message": message_of(error, language)}


def usage_of(usage: Usage, share: float) -> dict[str, Any]:
    """Token counts under the names of this API."""
    return {
        "input_tokens": usage.prompt_tokens,
        "input_tokens_details": {"cached_tokens": usage.cached_tokens, "cache_write_tokens": 0},
        "output_tokens": usage.completion_tokens,
        "output_tokens_details": {"reasoning_tokens": round(usage.completion_tokens * share)},
        "total_tokens": usage.total_tokens,
    }


def thought_share(parts: Parts) -> float:
    """How much of an answer's text was thought: nobody counts the tokens apart."""
    whole = sum(map(len, parts.texts()))
    return len(parts.reasoning) / whole if whole else 0.0
