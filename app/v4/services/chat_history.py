"""What a model is shown of a conversation: its setup, and the branch that counts."""

from collections.abc import Iterable

from msgspec.structs import replace

from app.database import Database, branches
from app.database.records import Question, Snapshot, StoredMessage
from app.domain.errors import SllmError
from app.domain.messages import Message
from app.domain.parts import joined


class ChatHistory:
    """The conversations of one owner, as their next answers see them."""

    def __init__(self, database: Database, owner: str) -> None:
        self._database = database
        self._owner = owner

    async def before(self, question: Question) -> Snapshot:
        """What `question` follows, under the setup that it brings or finds.

        SllmError `not_found`; `conflict` while the message that it follows is being written.
        """
        if question.conversation_id is None:
            return Snapshot(question.start.setup, None, "complete", ())
        past = await branches.snapshot(
            self._database, self._owner, question.conversation_id, question.parent_id
        )
        if past.last_status == "pending":
            raise SllmError("conflict", "conversation_busy", param="conversation_id", retry_after=1)
        return past if question.setup is None else replace(past, setup=question.setup)

    async def until(self, conversation_id: str, question_id: str) -> Snapshot:
        """The branch that ends with the user's message `question_id`. SllmError `not_found`."""
        past = await branches.snapshot(self._database, self._owner, conversation_id, question_id)
        return replace(past, asked=True)

    async def question(self, conversation_id: str, message_id: str) -> StoredMessage:
        """The user's message that `message_id` is or answers. SllmError `not_found`, `conflict`."""
        return await branches.question_of(self._database, self._owner, conversation_id, message_id)


def without_images(messages: Iterable[Message]) -> tuple[Message, ...]:
    """The words alone, for a model that sees nothing."""
    return tuple(replace(message, images=()) for message in messages)


def shown(past: Snapshot, newest: Iterable[Message]) -> tuple[Message, ...]:
    """The setup, the branch and what is new, as chat templates want it: the sides take turns.

    A question whose answer failed is followed by the next one; many a template refuses that, so
    they become one message, but each result of a tool stays one. The setup's messages stay as
    they are.
    """
    merged: list[Message] = []
    for message in (*past.history, *newest):
        if merged and merged[-1].role == message.role != "tool":
            merged[-1] = joined(merged[-1], message)
        else:
            merged.append(message)
    return (*past.setup.head, *merged)
