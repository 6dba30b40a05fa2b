"""What a model is shown for an answer to items: instructions, a conversation, and what is new."""

from collections.abc import Callable, Sequence

from msgspec.structs import replace

from app.database.records import Setup, Snapshot
from app.domain.messages import Message
from app.v4.services.chat_history import shown, without_images

Look = Callable[[tuple[Message, ...]], tuple[Message, ...]]


def whole(
    past: Snapshot, instructions: str | None, new: Sequence[Message]
) -> tuple[tuple[Message, ...], int]:
    """The messages, and how many at the front always stay. `instructions` stand in place of the
    conversation's own setup; systems at the front become one message."""
    if instructions is not None:
        head = (Message("system", instructions),) if instructions else ()
        past = replace(past, setup=Setup(head=head))
    messages = shown(past, new)
    kept = len(past.setup.head)
    front = next((n for n, each in enumerate(messages) if each.role != "system"), len(messages))
    if front < 2:
        return messages, kept
    told = "\n\n".join(message.content for message in messages[:front])
    return (Message("system", told), *messages[front:]), max(1, kept - front + 1)


def seen(
    messages: tuple[Message, ...],
    sight: Callable[[tuple[Message, ...]], tuple[Message, ...]] | None,
) -> tuple[Message, ...]:
    """With the files of their pictures, or without any for a model that sees nothing."""
    return without_images(messages) if sight is None else sight(messages)
