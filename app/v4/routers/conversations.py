"""`/conversations`: list, read, change and delete them, and edit their messages."""

from typing import Annotated

from fastapi import APIRouter, Query

from app.database.records import ConversationQuery
from app.dependencies import SettingsDep
from app.docs.error_responses import WRITE_RESPONSES
from app.edge.strict_route import StrictRoute
from app.v4.dependencies import ConversationServiceDep
from app.v4.models.schemas import (
    ConversationPageSchema,
    ConversationPatch,
    ConversationSchema,
    ConversationSummary,
    Deleted,
    DeleteQuery,
    MessageListQuery,
    MessagePatch,
    MessageSchema,
)
from app.v4.queries import LIST_PARAMETERS, ListQueryDep
from app.v4.services.conversation_service import Shown

router = APIRouter(prefix="/conversations", route_class=StrictRoute)


@router.get("", summary="List and search conversations", openapi_extra=LIST_PARAMETERS)
async def list_conversations(
    query: ListQueryDep, service: ConversationServiceDep, settings: SettingsDep
) -> ConversationPageSchema:
    """A page of your conversations, newest first, without their messages."""
    size = query.page_size or settings.page_size
    wanted = ConversationQuery(query.page, size, query.q, query.order, query.metadata)
    found = await service.find(wanted)
    return ConversationPageSchema(
        items=[ConversationSummary.of(item) for item in found.items],
        total=found.total,
        page=found.page,
        page_size=found.page_size,
        pages=-(-found.total // found.page_size),
    )


@router.delete("", summary="Delete all conversations", responses=WRITE_RESPONSES)
async def delete_conversations(
    query: Annotated[DeleteQuery, Query()], service: ConversationServiceDep
) -> Deleted:
    """Every conversation of yours, with all that belongs to them."""
    return Deleted(deleted=await service.remove_all())


@router.get("/{conversation_id}", summary="A conversation with its messages")
async def get_conversation(
    conversation_id: str,
    query: Annotated[MessageListQuery, Query()],
    service: ConversationServiceDep,
) -> ConversationSchema:
    """Its messages along the current branch, oldest first, or of every branch."""
    found = await service.show(
        conversation_id,
        all_branches=query.all_branches,
        page=query.message_page,
        page_size=query.message_page_size,
    )
    return _shown(found, query)


@router.patch(
    "/{conversation_id}", summary="Rename, label, or switch the branch", responses=WRITE_RESPONSES
)
async def change_conversation(
    conversation_id: str, body: ConversationPatch, service: ConversationServiceDep
) -> ConversationSummary:
    """Change what the body names and leave the rest."""
    given = body.model_dump(exclude_unset=True)
    changed = await service.change(
        conversation_id,
        given.get("title"),
        given.get("metadata"),
        given.get("current_message_id"),
    )
    return ConversationSummary.of(changed)


@router.delete(
    "/{conversation_id}",
    status_code=204,
    summary="Delete a conversation",
    responses=WRITE_RESPONSES,
)
async def delete_conversation(conversation_id: str, service: ConversationServiceDep) -> None:
    """Gone with its messages, images, caches and its place in the search index."""
    await service.remove(conversation_id)


@router.get("/{conversation_id}/messages/{message_id}", summary="A message")
async def get_message(
    conversation_id: str, message_id: str, service: ConversationServiceDep
) -> MessageSchema:
    """One message, on whatever branch."""
    return MessageSchema.of(await service.message(conversation_id, message_id))


@router.patch(
    "/{conversation_id}/messages/{message_id}", summary="Edit a message", responses=WRITE_RESPONSES
)
async def edit_message(
    conversation_id: str, message_id: str, body: MessagePatch, service: ConversationServiceDep
) -> MessageSchema:
    """A sibling with other words, which becomes current; the old one stays on its branch.

    To have an edited question answered, regenerate with the new message's id.
    """
    return MessageSchema.of(await service.edit(conversation_id, message_id, body.content))


def _shown(found: Shown, query: MessageListQuery) -> ConversationSchema:
    messages, size = found.messages, query.message_page_size
    system = [message.content for message in found.setup.head if message.role == "system"]
    return ConversationSchema(
        **dict(ConversationSummary.of(found.conversation)),
        template=found.conversation.template,
        system=system[0] if system else None,
        current_message_id=found.conversation.current_message_id,
        messages=[MessageSchema.of(message) for message in messages.items],
        message_total=messages.total,
        message_page=query.message_page,
        message_pages=-(-messages.total // size) if size else min(1, messages.total),
    )
