"""The steps of conversations as the dialect knows them: labels, and items one by one."""

from collections.abc import Sequence

from app.database import Database, branches, conversations, deletion, items
from app.database.records import Conversation, NewConversation, NewMessage, StoredMessage
from app.domain.titles import title_of
from app.images.store import ImageStore
from app.openai.ids import ItemId
from app.openai.services.parted import part_of, without
from app.provider.caches import ConversationCaches


class Conversations:
    """One owner's, the same as v4's. Everything raises SllmError `not_found` for others'."""

    def __init__(
        self, database: Database, store: ImageStore, caches: ConversationCaches, owner: str
    ) -> None:
        self._database = database
        self._store = store
        self._caches = caches
        self._owner = owner

    async def create(self, labels: dict[str, str], new: Sequence[NewMessage]) -> Conversation:
        """One that begins with `new`; what it is called comes from them, now or later."""
        start = NewConversation(title_for(new), labels)
        return await items.create(self._database, self._owner, start, new)

    async def get(self, id_: str) -> Conversation:
        return await conversations.get(self._database, self._owner, id_)

    async def label(self, id_: str, labels: dict[str, str]) -> Conversation:
        """New labels in place of the old ones."""
        return await conversations.change(self._database, self._owner, id_, metadata=labels)

    async def remove(self, id_: str) -> None:
        """With all that belongs to it."""
        await self._store.deleting(deletion.remove(self._database, self._owner, id_))
        await self._caches.forget(self._owner, id_)

    async def messages(self, id_: str) -> tuple[StoredMessage, ...]:
        """Along the current branch."""
        _, found, _ = await branches.get_messages(self._database, self._owner, id_)
        return found.items

    async def add(self, id_: str, new: Sequence[NewMessage]) -> tuple[StoredMessage, ...]:
        """After the current message. SllmError `conflict` while that is being written."""
        return await items.append(self._database, self._owner, id_, new, title_for(new))

    async def message(self, id_: str, item: ItemId) -> StoredMessage:
        """The message that has this item."""
        found = await branches.get_message(self._database, self._owner, id_, item.message_id)
        part_of(_copied(found), item)
        return found

    async def remove_item(self, id_: str, item: ItemId) -> None:
        """One item; what followed it follows what it followed. SllmError `conflict`."""
        await self._removed(id_, item)
        await self._caches.forget(self._owner, id_)

    async def _removed(self, id_: str, item: ItemId) -> None:
        left = without(_copied(await self.message(id_, item)), item)
        if left is not None:
            await items.strip(self._database, self._owner, id_, item.message_id, left)
            return
        removed = items.remove(self._database, self._owner, id_, [item.message_id])
        await self._store.deleting(removed)


def title_for(new: Sequence[NewMessage]) -> str:
    """From the first words of a user, if there are any."""
    said = (each.content for each in new if each.role == "user" and each.parts is None)
    return next((title_of(content) for content in said if content), "")


def _copied(message: StoredMessage) -> NewMessage:
    return NewMessage(message.role, message.content, message.images, message.parts)
