"""From OpenAI's messages to the domain's: parts become texts, and pictures to be taken in."""

from collections.abc import Sequence

from app.domain.messages import Message
from app.domain.tools import ToolCall
from app.openai.fields import unsupported
from app.openai.models.messages import (
    AnyMessage,
    AssistantMessage,
    ImagePart,
    InstructionMessage,
    OtherPart,
    RefusalPart,
    TextPart,
    ToolMessage,
    UserMessage,
)
from app.openai.services.spoken import Spoken
from app.v5.services.vision_service import Brought
from app.v5.vision_route import Blobs


def spoken(messages: Sequence[AnyMessage], blobs: Blobs) -> tuple[Spoken, ...]:
    """The messages in order; instructions at the front become one. Raises SllmError."""
    said = [_spoken(message, blobs) for message in messages]
    front = next((n for n, each in enumerate(said) if each.message.role != "system"), len(said))
    if front < 2:
        return tuple(said)
    joined = "\n\n".join(each.message.content for each in said[:front])
    return (Spoken(Message("system", joined)), *said[front:])


def _spoken(message: AnyMessage, blobs: Blobs) -> Spoken:
    match message:
        case InstructionMessage():
            return Spoken(Message("system", text_of(message.content)))
        case UserMessage():
            return Spoken(Message("user", text_of(message.content)), _pictures(message, blobs))
        case AssistantMessage():
            calls = tuple(
                ToolCall(call.id, call.function.name, call.function.arguments)
                for call in message.tool_calls or ()
            )
            content = text_of(message.content or message.refusal or "")
            return Spoken(Message("assistant", content, calls=calls))
        case ToolMessage():
            return Spoken(Message("tool", text_of(message.content), answers=message.tool_call_id))


def text_of(content: str | Sequence[TextPart | RefusalPart | ImagePart | OtherPart]) -> str:
    """The words of a content; parts of text are lines of their own."""
    if isinstance(content, str):
        return content
    texts = []
    for part in content:
        if isinstance(part, TextPart):
            texts.append(part.text)
        elif isinstance(part, RefusalPart):
            texts.append(part.refusal)
    return "\n".join(texts)


def _pictures(message: UserMessage, blobs: Blobs) -> tuple[Brought, ...]:
    if isinstance(message.content, str):
        return ()
    found = []
    for part in message.content:
        if isinstance(part, OtherPart):
            unsupported(part.type)
        if isinstance(part, ImagePart):
            found.append(brought(part.image_url.url, blobs))
    return tuple(found)


def brought(url: str, blobs: Blobs) -> Brought:
    """An image by its URL, whose text the route has put into `blobs`."""
    whole = blobs.text(url)
    return Brought(data=whole) if whole[:5].lower() == "data:" else Brought(url=whole)
