"""What a kept message is made of where that is more than words: calls of a client's functions,
their results, and reasoning; and the words that stand for it where only words are shown."""

from collections.abc import Iterator

from msgspec import Struct

from app.domain.messages import Message, Picture, Role
from app.domain.tools import ToolCall


class Parts(Struct, frozen=True, omit_defaults=True):
    """`text` is what was said in words. A call that was taken out of a message leaves None, so
    that the places of the others stay. With `result_of` the text is the result of that call;
    `developer`: its client calls the system by that name."""

    text: str = ""
    reasoning: str = ""
    calls: tuple[ToolCall | None, ...] = ()
    result_of: str | None = None
    developer: bool = False

    @property
    def shown(self) -> str:
        """For people, and for searching."""
        calls = (f"{call.name}({call.arguments})" for call in self.calls if call)
        return "\n\n".join(filter(None, (self.text, *calls)))

    @property
    def plain(self) -> bool:
        """Whether the words alone say all of it."""
        return self == Parts(self.text)

    def texts(self) -> Iterator[str]:
        """Everything in it that somebody wrote."""
        yield from (self.text, self.reasoning, self.result_of or "")
        for call in filter(None, self.calls):
            yield from (call.id, call.name, call.arguments)


def spoken(
    role: Role, content: str, images: tuple[Picture, ...] = (), parts: Parts | None = None
) -> Message:
    """As models are shown it; what they thought is not."""
    if parts is None:
        return Message(role, content, images)
    if parts.result_of is not None:
        return Message("tool", parts.text, answers=parts.result_of)
    return Message(role, parts.text, images, tuple(filter(None, parts.calls)))


def silent(message: Message) -> bool:
    """Whether there is nothing in it for a model. A result may be empty."""
    return not (message.content or message.images or message.calls or message.role == "tool")


def joined(first: Message, second: Message) -> Message:
    """What one side says in a row as one message: many a template wants the sides to take turns."""
    content = "\n\n".join(filter(None, (first.content, second.content)))
    images, calls = first.images + second.images, first.calls + second.calls
    return Message(first.role, content, images, calls)


def in_words(messages: tuple[Message, ...]) -> tuple[Message, ...]:
    """For models that know nothing of tools: calls as they are shown, results as the user's."""
    if not any(message.calls or message.role == "tool" for message in messages):
        return messages
    said: list[Message] = []
    for message in messages:
        content = Parts(message.content, calls=message.calls).shown
        role = "user" if message.role == "tool" else message.role
        worded = Message(role, content, message.images)
        if said and said[-1].role == role:
            said[-1] = joined(said[-1], worded)
        else:
            said.append(worded)
    return tuple(said)
