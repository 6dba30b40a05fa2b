"""From kept messages to the items that clients of the dialect see."""

from collections.abc import Iterable, Sequence
from typing import Any

from app.database.records import StoredImage, StoredMessage
from app.domain.parts import Parts
from app.domain.tools import ToolCall
from app.openai.ids import call_item_id, stem_of

Item = dict[str, Any]
STATUSES = {"complete": "completed", "pending": "in_progress"}


def status_of(message: StoredMessage) -> str:
    """As an item has it."""
    if message.finish_reason == "length":
        return "incomplete"
    return STATUSES.get(message.status, "incomplete")


def items_of(message: StoredMessage) -> list[Item]:
    """One message may be several items, or none while nothing of it is written."""
    parts = message.parts or Parts(message.content)
    status, stem = status_of(message), stem_of(message.id)
    if parts.result_of is not None:
        return [_result(stem, parts, status)]
    if message.role != "assistant":
        role = "developer" if parts.developer else message.role
        return [_message(stem, role, _shown(parts.text, message.images), status)]
    return answer_items(stem, parts, status)


def answer_items(stem: str, parts: Parts, status: str, logprobs: Sequence[Any] = ()) -> list[Item]:
    """What a model has thought, said and called. One that did nothing has said nothing."""
    items = []
    if parts.reasoning:
        items.append(thought(stem, parts.reasoning, "completed"))
    if parts.text or not (parts.reasoning or any(parts.calls) or status == "in_progress"):
        items.append(said(stem, parts.text, "completed", logprobs))
    items += [
        called(call_item_id(stem, place), call, "completed")
        for place, call in enumerate(parts.calls)
        if call is not None
    ]
    if items:
        items[-1]["status"] = status
    return items


def said(stem: str, text: str, status: str, logprobs: Sequence[Any] = ()) -> Item:
    """What the model said."""
    part = {"type": "output_text", "text": text, "annotations": [], "logprobs": list(logprobs)}
    return _message(stem, "assistant", [part], status)


def thought(stem: str, text: str, status: str) -> Item:
    """What the model thought, as it is: it makes no summary of it."""
    content = [{"type": "reasoning_text", "text": text}]
    return {
        "id": f"rs_{stem}",
        "type": "reasoning",
        "summary": [],
        "content": content,
        "status": status,
    }


def called(id_: str, call: ToolCall, status: str) -> Item:
    """A call of a function."""
    return {
        "id": id_,
        "type": "function_call",
        "call_id": call.id,
        "name": call.name,
        "arguments": call.arguments,
        "status": status,
    }


def _result(stem: str, parts: Parts, status: str) -> Item:
    return {
        "id": f"fco_{stem}",
        "type": "function_call_output",
        "call_id": parts.result_of,
        "output": parts.text,
        "status": status,
    }


def _message(stem: str, role: str, content: list[Item], status: str) -> Item:
    return {
        "id": f"msg_{stem}",
        "type": "message",
        "role": role,
        "status": status,
        "content": content,
    }


def _shown(text: str, images: Iterable[StoredImage]) -> list[Item]:
    parts: list[Item] = [
        {"type": "input_image", "file_id": image.id, "image_url": None, "detail": "auto"}
        for image in images
    ]
    if text or not parts:
        parts.append({"type": "input_text", "text": text})
    return parts
