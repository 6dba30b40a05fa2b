"""`/v1/conversations` and their items: the conversations of v4, as OpenAI's clients know them."""

from typing import Annotated, Any

from fastapi import APIRouter, Query

from app.database.records import Conversation
from app.docs.error_responses import WRITE_RESPONSES
from app.edge.strict_route import StrictRoute
from app.openai.ids import item_id_of
from app.openai.image_route import ImageRoute
from app.openai.items import items_of
from app.openai.kept_dependencies import ConversationsDep, ItemCallDep
from app.openai.models.conversations import (
    ConversationBody,
    ConversationChange,
    IncludeQuery,
    ItemQuery,
    ItemsBody,
)
from app.openai.models.kept import (
    AnyKeptItem,
    ConversationDeleted,
    ItemPage,
    KeptConversation,
)
from app.openai.pages import page_of, whole_page

PREFIX = "/conversations"
writing = APIRouter(prefix=PREFIX, route_class=ImageRoute)
reading = APIRouter(prefix=PREFIX, route_class=StrictRoute)
ITEM = "/{conversation_id}/items/{item_id}"


@writing.post("", summary="Begin a conversation", responses=WRITE_RESPONSES)
async def create_conversation(
    body: ConversationBody, call: ItemCallDep, conversations: ConversationsDep
) -> KeptConversation:
    """Empty, or with some items."""
    async with call.reading("items") as lease:
        new = await call.new(body.items, lease)
        return _told(await conversations.create(body.metadata or {}, new))


@reading.get("/{conversation_id}", summary="A conversation")
async def get_conversation(
    conversation_id: str, conversations: ConversationsDep
) -> KeptConversation:
    """Without its items; v4's conversations are the same."""
    return _told(await conversations.get(conversation_id))


@reading.post("/{conversation_id}", summary="Label a conversation", responses=WRITE_RESPONSES)
async def update_conversation(
    conversation_id: str, body: ConversationChange, conversations: ConversationsDep
) -> KeptConversation:
    """New labels in place of all old ones."""
    return _told(await conversations.label(conversation_id, body.metadata or {}))


@reading.delete("/{conversation_id}", summary="Delete a conversation", responses=WRITE_RESPONSES)
async def delete_conversation(
    conversation_id: str, conversations: ConversationsDep
) -> ConversationDeleted:
    """With its items, images and responses."""
    await conversations.remove(conversation_id)
    return ConversationDeleted(id=conversation_id, object="conversation.deleted", deleted=True)


@reading.get(
    "/{conversation_id}/items",
    summary="A conversation's items",
    response_model=ItemPage,
    response_model_exclude_unset=True,
)
async def list_items(
    conversation_id: str,
    query: Annotated[ItemQuery, Query()],
    conversations: ConversationsDep,
) -> Any:
    """Along the current branch, the newest first unless `order` is `asc`."""
    messages = await conversations.messages(conversation_id)
    return page_of([item for each in messages for item in items_of(each)], query)


@writing.post(
    "/{conversation_id}/items",
    summary="Add items",
    response_model=ItemPage,
    response_model_exclude_unset=True,
    responses=WRITE_RESPONSES,
)
async def create_items(
    conversation_id: str,
    body: ItemsBody,
    query: Annotated[IncludeQuery, Query()],
    call: ItemCallDep,
    conversations: ConversationsDep,
) -> Any:
    """At the end, without an answer; a response in this conversation goes on from there."""
    async with call.reading("items") as lease:
        new = await call.new(body.items, lease)
        added = await conversations.add(conversation_id, new)
    return whole_page([item for each in added for item in items_of(each)])


@reading.get(ITEM, summary="An item", response_model=AnyKeptItem, response_model_exclude_unset=True)
async def get_item(
    conversation_id: str,
    item_id: str,
    query: Annotated[IncludeQuery, Query()],
    conversations: ConversationsDep,
) -> Any:
    """One item, on whatever branch."""
    message = await conversations.message(conversation_id, item_id_of(item_id))
    return next(item for item in items_of(message) if item["id"] == item_id)


@reading.delete(ITEM, summary="Delete an item", responses=WRITE_RESPONSES)
async def delete_item(
    conversation_id: str, item_id: str, conversations: ConversationsDep
) -> KeptConversation:
    """What followed it follows what it followed."""
    await conversations.remove_item(conversation_id, item_id_of(item_id))
    return _told(await conversations.get(conversation_id))


def _told(found: Conversation) -> KeptConversation:
    return KeptConversation(
        id=found.id,
        object="conversation",
        created_at=int(found.created_at.timestamp()),
        metadata=found.metadata,
    )


router = APIRouter(route_class=StrictRoute)
router.include_router(writing)
router.include_router(reading)
