"""One request of `POST /v1/responses` on its way: asked, then told, streamed or left to be written.
No URLs here."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import Any

from fastapi import Request
from msgspec import Struct
from msgspec.structs import replace

from app.config import Settings
from app.database.records import Turn
from app.domain.errors import SllmError
from app.domain.generation import Finished
from app.images.store import Lease
from app.openai.asking import (
    check_turns,
    hash_of,
    options_of,
    policy_of,
    refuse_unsupported,
    use_of,
)
from app.openai.background import Background
from app.openai.calls import CALL_END
from app.openai.collected import collect
from app.openai.ids import message_id_of, stem_of
from app.openai.item_calls import ItemCall
from app.openai.items import answer_items
from app.openai.models.responses import ResponseRequest
from app.openai.replayed import replayed
from app.openai.response_events import ResponseEvents
from app.openai.response_objects import CREATED, INPUTS, NAMED, Told, facts_of
from app.openai.services.answers import AnswerEvent, Begun
from app.openai.services.intake import Said
from app.openai.services.kept import Answerer, Asking, KeptAnswers, Reply
from app.openai.services.responses import Responses
from app.streaming import EventStream, unless_gone
from app.v4.services.chat_service import StoredChat


class Responding(Struct, frozen=True):
    """A response on its way; `whole` is one that has been answered before."""

    told: Told
    events: AsyncGenerator[Any, None]
    logprobs: bool = False
    whole: dict[str, Any] | None = None


class ResponseCall:
    """A client that goes away frees its place at once; what the model has said until then is kept,
    if anything is."""

    def __init__(
        self,
        request: Request,
        items: ItemCall,
        kept: KeptAnswers,
        responses: Responses,
        settings: Settings,
        language: str,
        background: Background,
    ) -> None:
        self._request = request
        self._items = items
        self._kept = kept
        self._responses = responses
        self._settings = settings
        self._language = language
        self._background = background

    async def ask(self, body: ResponseRequest, key: str | None) -> Responding:
        """Raises SllmError for all that is wrong before the first event."""
        refuse_unsupported(body)
        if not body.keeps:
            events = self._fleeting(body)
            told = await anext(events)
            assert isinstance(told, Told)
            return Responding(told, events, body.tells_logprobs)
        async with self._items.reading("input") as lease, unless_gone(self._request):
            by, asking = await self._prepared(body, lease, key)
            asked = await self._kept.ask(by, asking, _replying(by, asking))
        if isinstance(asked, Turn):
            whole = asked.result or {}
            place = (whole["conversation"] or {}).get("id")
            facts = asking.facts | {CREATED: whole["created_at"]}
            told = Told(stem_of(asked.answer.id), facts, place)
            return Responding(told, replayed(whole), body.tells_logprobs, whole)
        events = self._kept.written(by, asked)
        return Responding(_told(asked, asking), events, body.tells_logprobs)

    async def _fleeting(self, body: ResponseRequest) -> AsyncGenerator[Told | AnswerEvent, None]:
        """A Told, then an answer of which nothing is kept but while it is written."""
        async with self._items.reading("input") as lease:
            async with unless_gone(self._request):
                by, asking = await self._prepared(body, lease, None)
                events = self._kept.fleeting(by, asking)
                begun = await anext(events)
            assert isinstance(begun, Begun)
            async with aclosing(events):
                yield Told(stem_of(begun.id), asking.facts)
                async for event in events:
                    yield event

    async def _prepared(
        self, body: ResponseRequest, lease: Lease, key: str | None
    ) -> tuple[Answerer, Asking]:
        said = await self._items.said(body.input, lease, "input")
        asking = await self._asking(body, said, key)
        by = await self._kept.answerer(body.model, asking.place, said, asking.use)
        new = await self._items.taken(said, lease)
        asking.facts.update({"model": by.info.id, INPUTS: len(new)})
        return by, replace(asking, new=new, request_hash=hash_of(body, new))

    async def _asking(self, body: ResponseRequest, said: Sequence[Said], key: str | None) -> Asking:
        if key is not None and not said:
            raise SllmError("invalid_parameter", "key_without_input", param="Idempotency-Key")
        previous = body.previous_response_id
        after = message_id_of(previous, "previous_response_id") if previous else None
        place = await self._kept.place(body.conversation_id, after, key is not None)
        check_turns(place, said)
        use = use_of(body)
        options = options_of(body, place.past.setup, use, self._settings.default_max_tokens)
        facts = facts_of(body, options) | {NAMED: body.conversation_id is not None}
        if use.one and not use.must:
            options = replace(options, stop=(*options.stop, CALL_END))
        policy = policy_of(body)
        return Asking(place, (), options, policy, use, body.instructions, facts, key)

    async def answer(self, asked: Responding) -> Any:
        """The whole response."""
        if asked.whole is not None:
            return asked.whole
        async with unless_gone(self._request):
            return await collect(asked.events, asked.told, asked.logprobs)

    def stream(self, asked: Responding) -> EventStream:
        """The same as events."""
        events = ResponseEvents(asked.told, asked.logprobs, self._language)
        return EventStream(events.of(asked.events), self._request.scope)

    def leave(self, asked: Responding) -> Any:
        """The response as it is now; it is written on."""
        if asked.whole is not None:
            return asked.whole
        message_id = f"msg_{asked.told.stem}"

        async def cancelled() -> bool:
            return await self._responses.is_cancelled(message_id)

        self._background.start(asked.events, cancelled)
        return asked.told.object("in_progress")


def _told(stored: StoredChat, asking: Asking) -> Told:
    return Told(stem_of(stored.message_id), asking.facts, stored.conversation_id)


def _replying(by: Answerer, asking: Asking) -> Reply:
    """What a request with the same key is answered later."""

    def reply(stored: StoredChat, finished: Finished) -> dict[str, Any]:
        told = _told(stored, asking)
        parts = by.reading.parts(told.stem, finished.text)
        status = "incomplete" if finished.finish_reason == "length" else "completed"
        output = answer_items(told.stem, parts, status)
        return told.finished(parts, finished.finish_reason, finished.usage, output)

    return reply
