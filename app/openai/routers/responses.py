"""`/v1/responses`: ask for one, and read, cancel or delete one that is kept."""

from typing import Annotated, Any

from fastapi import APIRouter, Query
from starlette.responses import Response

from app.dependencies import LanguageDep
from app.docs.error_responses import WRITE_RESPONSES
from app.edge.strict_route import StrictRoute
from app.openai.ids import message_id_of
from app.openai.image_route import ImageRoute
from app.openai.items import items_of
from app.openai.kept_dependencies import ResponseCallDep, ResponsesDep
from app.openai.models.conversations import ItemQuery, ResponseQuery
from app.openai.models.kept import ItemPage, ResponseDeleted, ResponseSchema
from app.openai.models.responses import ResponseRequest
from app.openai.models.streams import RESPONSE_STREAM
from app.openai.pages import page_of
from app.openai.response_objects import stored_object
from app.v4.turns import IdempotencyKey

asking = APIRouter(prefix="/responses", route_class=ImageRoute)
reading = APIRouter(prefix="/responses", route_class=StrictRoute)


@asking.post(
    "",
    summary="Respond: one answer, or the same as it is written",
    response_model=ResponseSchema,
    response_model_exclude_unset=True,
    responses=RESPONSE_STREAM | WRITE_RESPONSES,
)
async def create_response(
    body: ResponseRequest, call: ResponseCallDep, idempotency_key: IdempotencyKey = None
) -> Any:
    """Answer items, in a conversation that v4's clients see as well. The items are kept before the
    first event, the answer before the last; with `store: false` nothing is."""
    asked = await call.ask(body, idempotency_key)
    if body.background:
        return call.leave(asked)
    stream: Response | None = call.stream(asked) if body.stream else None
    return stream or await call.answer(asked)


@reading.get(
    "/{response_id}",
    summary="A response that is kept",
    response_model=ResponseSchema,
    response_model_exclude_unset=True,
)
async def get_response(
    response_id: str,
    query: Annotated[ResponseQuery, Query()],
    responses: ResponsesDep,
    language: LanguageDep,
) -> Any:
    """In whatever state it is; an answer of v4's is one, too."""
    return stored_object(await responses.get(message_id_of(response_id)), language)


@reading.delete("/{response_id}", summary="Delete a response", responses=WRITE_RESPONSES)
async def delete_response(response_id: str, responses: ResponsesDep) -> ResponseDeleted:
    """With the items that came with it, unless another answer rests on them. What followed stays;
    a conversation that was begun for it and is empty now is gone."""
    await responses.remove(message_id_of(response_id))
    return ResponseDeleted(id=response_id, object="response", deleted=True)


@reading.post(
    "/{response_id}/cancel",
    summary="Cancel a response in the background",
    response_model=ResponseSchema,
    response_model_exclude_unset=True,
    responses=WRITE_RESPONSES,
)
async def cancel_response(response_id: str, responses: ResponsesDep, language: LanguageDep) -> Any:
    """What is written of it is kept. One that has ended stays as it is."""
    return stored_object(await responses.cancel(message_id_of(response_id)), language)


@reading.get(
    "/{response_id}/input_items",
    summary="What a response answers",
    response_model=ItemPage,
    response_model_exclude_unset=True,
)
async def list_input_items(
    response_id: str, query: Annotated[ItemQuery, Query()], responses: ResponsesDep
) -> Any:
    """Every item that came before the answer, those of earlier responses included."""
    found = await responses.whole(message_id_of(response_id))
    return page_of([item for each in found.messages[:-1] for item in items_of(each)], query)


router = APIRouter(route_class=StrictRoute)
router.include_router(asking)
router.include_router(reading)
