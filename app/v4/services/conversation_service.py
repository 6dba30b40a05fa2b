"""The steps of finding, reading, changing and deleting conversations."""

from dataclasses import dataclass

from app.database import Database, branches, conversations, deletion, questions
from app.database.records import (
    Conversation,
    ConversationPage,
    ConversationQuery,
    MessagePage,
    Setup,
    StoredMessage,
)
from app.images.store import ImageStore
from app.provider.caches import ConversationCaches


@dataclass(frozen=True)
class Shown:
    """A conversation, what its model is told first, and some of its messages."""

    conversation: Conversation
    setup: Setup
    messages: MessagePage


class ConversationService:
    """One owner's conversations. Everything raises SllmError `not_found` for others'."""

    def __init__(
        self, database: Database, images: ImageStore, caches: ConversationCaches, owner: str
    ) -> None:
        self._database = database
        self._images = images
        self._caches = caches
        self._owner = owner

    async def find(self, query: ConversationQuery) -> ConversationPage:
        """One page of those that `query` describes."""
        return await conversations.find(self._database, self._owner, query)

    async def show(
        self, id_: str, *, all_branches: bool, page: int, page_size: int | None
    ) -> Shown:
        """With its messages along the current branch, or of all."""
        conversation, found, setup = await branches.get_messages(
            self._database,
            self._owner,
            id_,
            all_branches=all_branches,
            page=page,
            page_size=page_size,
        )
        return Shown(conversation, setup, found)

    async def change(
        self,
        id_: str,
        title: str | None,
        metadata: dict[str, str] | None,
        current_message_id: str | None,
    ) -> Conversation:
        """Set what is not None."""
        return await conversations.change(
            self._database,
            self._owner,
            id_,
            title=title,
            metadata=metadata,
            current_message_id=current_message_id,
        )

    async def remove(self, id_: str) -> None:
        """Delete it and all that belongs to it."""
        await self._images.deleting(deletion.remove(self._database, self._owner, id_))
        await self._caches.forget(self._owner, id_)

    async def remove_all(self) -> int:
        """Delete every conversation; returns how many there were."""
        deleted = await self._images.deleting(deletion.remove_all(self._database, self._owner))
        await self._caches.forget(self._owner, None)
        return deleted

    async def message(self, id_: str, message_id: str) -> StoredMessage:
        """One message."""
        return await branches.get_message(self._database, self._owner, id_, message_id)

    async def edit(self, id_: str, message_id: str, content: str) -> StoredMessage:
        """A sibling of the message with other words, which becomes the current one."""
        return await questions.edit(self._database, self._owner, id_, message_id, content)
