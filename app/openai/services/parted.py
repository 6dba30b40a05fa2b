"""Single items of a kept message: one of them, or all but one."""

from typing import NoReturn

from msgspec.structs import replace

from app.database.records import NewMessage
from app.domain.errors import SllmError
from app.domain.parts import Parts
from app.openai.ids import ItemId


def missing() -> NoReturn:
    """Raise the answer to an item that is not there."""
    raise SllmError("not_found", "item_not_found")


def part_of(message: NewMessage, item: ItemId) -> NewMessage:
    """The message with this item alone. Raises SllmError `not_found`."""
    parts = message.parts or Parts(message.content)
    if item.kind == "fco" or parts.result_of is not None or message.role != "assistant":
        whole = "msg" if parts.result_of is None and message.role != "assistant" else "fco"
        if item.kind != whole or (whole == "fco" and parts.result_of is None):
            missing()
        return message
    chosen = _chosen(parts, item)
    return replace(message, content=chosen.shown, parts=None if chosen.plain else chosen)


def _chosen(parts: Parts, item: ItemId) -> Parts:
    match item.kind:
        case "rs" if parts.reasoning:
            return Parts(reasoning=parts.reasoning)
        case "msg" if parts.text or not (parts.reasoning or any(parts.calls)):
            return Parts(parts.text)
        case "fc" if item.place < len(parts.calls) and parts.calls[item.place]:
            return Parts(calls=(parts.calls[item.place],))
    missing()


def without(message: NewMessage, item: ItemId) -> Parts | None:
    """What is left of the message; None: nothing. Raises SllmError `not_found`."""
    part_of(message, item)
    parts = message.parts
    if parts is None or parts.result_of is not None:
        return None
    match item.kind:
        case "rs":
            parts = replace(parts, reasoning="")
        case "msg":
            parts = replace(parts, text="")
        case "fc":
            calls = list(parts.calls)
            calls[item.place] = None
            parts = replace(parts, calls=tuple(calls))
    left = parts.text or parts.reasoning or any(parts.calls)
    return parts if left and message.role == "assistant" else None
