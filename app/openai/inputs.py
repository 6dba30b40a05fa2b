"""From the items that clients send to messages that can be kept: parts become texts and pictures,
and what an assistant has thought, said and called in a row becomes one message."""

from collections.abc import Iterable, Sequence

from msgspec.structs import replace

from app.database.records import NewMessage
from app.domain.errors import SllmError
from app.domain.parts import Parts
from app.domain.tools import ToolCall
from app.openai.fields import unsupported
from app.openai.messages import brought
from app.openai.models.items import (
    CallItem,
    InputImage,
    InputText,
    MessageItem,
    OtherInput,
    ReasoningItem,
    ResultItem,
)
from app.openai.models.messages import RefusalPart
from app.openai.services.intake import Said
from app.v1.models.messages import MOST_BYTES
from app.v5.services.vision_service import Brought
from app.v5.vision_route import Blobs

AnyPart = InputText | RefusalPart | InputImage | OtherInput
WholeItem = MessageItem | CallItem | ResultItem | ReasoningItem


def said_of(item: WholeItem, blobs: Blobs) -> Said:
    """One item as a message. Raises SllmError for what no engine here takes."""
    match item:
        case MessageItem():
            return _message(item, blobs)
        case CallItem():
            call = ToolCall(item.call_id, item.name, item.arguments)
            return _of("assistant", Parts(calls=(call,)))
        case ReasoningItem():
            thoughts = [part.text for part in item.content or item.summary]
            return _of("assistant", Parts(reasoning="\n".join(thoughts)))
        case ResultItem():
            refuse_images(item.output, "input.output")
            return _of("user", Parts(text_of(item.output), result_of=item.call_id))


def _message(item: MessageItem, blobs: Blobs) -> Said:
    text = text_of(item.content)
    if item.role == "user":
        return Said(NewMessage("user", text), tuple(_pictures(item.content, blobs)))
    refuse_images(item.content, "input.content")
    if item.role == "assistant":
        return _of("assistant", Parts(text))
    return _of("system", Parts(text, developer=item.role == "developer"))


def _of(role: str, parts: Parts) -> Said:
    kept = None if parts.plain else parts
    return Said(NewMessage(role, parts.shown, parts=kept))  # type: ignore[arg-type]


def text_of(content: str | Sequence[AnyPart]) -> str:
    """The words of a content; parts of text are lines of their own."""
    if isinstance(content, str):
        return content
    texts = []
    for part in content:
        if isinstance(part, InputText):
            texts.append(part.text)
        elif isinstance(part, RefusalPart):
            texts.append(part.refusal)
    whole = "\n".join(texts)
    if len(whole.encode()) > MOST_BYTES:
        raise SllmError("too_large", param="message", limit=MOST_BYTES)
    return whole


def refuse_images(content: str | Sequence[AnyPart], field: str) -> None:
    """Raise SllmError where something is no text: only a user shows things."""
    for part in content if not isinstance(content, str) else ():
        if not isinstance(part, InputText | RefusalPart):
            unsupported(f"{field}.{part.type}")


def _pictures(content: str | Sequence[AnyPart], blobs: Blobs) -> Iterable[Brought]:
    for part in content if not isinstance(content, str) else ():
        if isinstance(part, OtherInput):
            unsupported(f"input.content.{part.type}")
        if isinstance(part, InputImage):
            url = part.image_url
            yield Brought(id=part.file_id) if url is None else brought(url, blobs)


def grouped(said: Iterable[Said]) -> tuple[Said, ...]:
    """What an assistant did in a row, as it does it: it thinks, then speaks, then calls."""
    groups: list[Said] = []
    for each in said:
        merged = _merged(groups[-1].message, each.message) if groups else None
        if merged is None:
            groups.append(each)
        else:
            groups[-1] = Said(merged)
    return tuple(groups)


def _merged(first: NewMessage, second: NewMessage) -> NewMessage | None:
    if not first.role == second.role == "assistant":
        return None
    before = first.parts or Parts(first.content)
    after = second.parts or Parts(second.content)
    if after.reasoning or (after.text and (before.text or before.calls)):
        return None
    parts = Parts(before.text or after.text, before.reasoning, before.calls + after.calls)
    kept = None if parts.plain else parts
    return replace(first, content=parts.shown, parts=kept)
