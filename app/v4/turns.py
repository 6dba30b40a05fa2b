"""One v4 chat request on its way: from its body to a stored turn and the answers of both routes.
No URLs here."""

import hashlib
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass
from typing import Annotated, Any

import msgspec
from fastapi import Depends, Header
from msgspec.structs import replace

from app.chats import ChatCall, ChatCallDep
from app.database.records import NewConversation, Question, Setup, Snapshot, StoredImage, Turn
from app.database.texts import new_id
from app.dependencies import ChatServiceDep, DatabaseDep, OwnerDep
from app.domain.generation import Finished, GenerationRequest
from app.domain.messages import Message
from app.domain.titles import title_of
from app.streaming import EventStream, unless_gone
from app.v2.models.chat import ContextSchema
from app.v2.services.stream_service import StreamEvent, stream
from app.v3.dependencies import PromptServiceDep, naming_fields
from app.v3.services.prompt_service import PromptService
from app.v4.config import LONGEST_IDEMPOTENCY_KEY
from app.v4.dependencies import AnswerWriterDep
from app.v4.models.chat import (
    ConversationChatRequest,
    ConversationChatResponse,
    ConversationStartEvent,
    RegenerateRequest,
)
from app.v4.services.chat_history import shown, without_images
from app.v4.services.chat_service import Build, ConversationChats, StoredChat

IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=LONGEST_IDEMPOTENCY_KEY,
        pattern=r"^[\x21-\x7e]+$",
        description="Any unique text. The same key with the same body again, after a lost "
        "connection or a restart, is the same message and gets the same answer.",
        examples=["3f1f6c1e-5a0e-4a53-9d0c-9b1f6a1c2d3e"],
    ),
]


@dataclass(frozen=True)
class View:
    """What a turn's model is shown of images, and how its client is answered: a schema, and what
    that has beyond v4's. `mark` tells requests apart that other views would read the same."""

    show: Callable[[tuple[Message, ...]], tuple[Message, ...]]
    answer: type[ConversationChatResponse] = ConversationChatResponse
    about: Callable[[StoredChat], dict[str, Any]] = lambda _: {}
    mark: bytes = b""


BLIND = View(without_images)
Images = tuple[StoredImage, ...]


class TurnCall:
    """A chat in a conversation. A client that goes away frees its place at once; what the model
    has said until then is kept."""

    def __init__(
        self,
        call: ChatCall,
        chats: ConversationChats,
        prompts: PromptService,
        view: View = BLIND,
    ) -> None:
        self._call = call
        self._chats = chats
        self._prompts = prompts
        self._view = view

    async def ask(
        self, body: ConversationChatRequest, key: str | None, images: Images = ()
    ) -> StoredChat | Turn:
        """Raises SllmError before anything is stored."""
        question = await self._question(body, key, images)
        build = self._build(body, images)
        async with unless_gone(self._call.request):
            return await self._chats.ask(question, build, body.model, self._reply)

    async def regenerate(
        self, conversation_id: str, message_id: str, body: RegenerateRequest
    ) -> StoredChat:
        """Another answer on its way. Raises SllmError."""
        build = self._build(body)
        async with unless_gone(self._call.request):
            return await self._chats.regenerate(
                conversation_id, message_id, build, body.model, self._reply
            )

    async def answer(self, asked: StoredChat | Turn) -> ConversationChatResponse:
        """The whole answer, stored."""
        if isinstance(asked, Turn):
            return self._view.answer.model_validate(asked.result)
        return self._response(asked, await self._call.finished(asked.chat))

    def stream(self, asked: StoredChat | Turn) -> EventStream:
        """The answer's events; those of a repeated request bring its words at once."""
        if isinstance(asked, Turn):
            events = _again(asked.result or {})
        else:
            stored = asked
            events = stream(
                stored.chat, lambda finished: self._response(stored, finished), _start(stored)
            )
        return EventStream(events, self._call.request.scope)

    async def _question(
        self, body: ConversationChatRequest, key: str | None, images: Images
    ) -> Question:
        setup = await self._setup(body)
        title = body.title or ("" if body.conversation_id else title_of(body.message))
        return Question(
            content=body.message,
            conversation_id=body.conversation_id,
            parent_id=body.parent_id,
            setup=setup,
            start=NewConversation(title, body.metadata or {}, setup or Setup(), id=new_id("conv")),
            idempotency_key=key,
            request_hash=self._hash(body, images),
            images=images,
        )

    def _hash(self, body: ConversationChatRequest, images: Images) -> str:
        """Of what is asked; images count by what they show."""
        said = body.model_dump_json(exclude={"images"}).encode()
        shown = msgspec.json.encode(images) if images else b""
        return hashlib.sha256(said + shown + self._view.mark).hexdigest()

    async def _setup(self, body: ConversationChatRequest) -> Setup | None:
        """What `body` tells the model from now on; None where it leaves that as it is."""
        if body.template is not None:
            with naming_fields():
                rendered = await self._prompts.render(body.template, body.variables or {})
            return Setup(body.template, rendered.head, dict(rendered.options))
        if body.system_prompt is None:
            return None
        return Setup(head=(Message("system", body.system_prompt),) if body.system_prompt else ())

    def _build(
        self, body: ConversationChatRequest | RegenerateRequest, images: Images = ()
    ) -> Build:
        pictures = tuple(image.picture() for image in images)

        def build(past: Snapshot) -> GenerationRequest:
            request = self._call.wanted(body.with_defaults(past.setup.options))
            new = () if past.asked else request.messages
            newest = [replace(message, images=pictures) for message in new]
            messages = self._view.show(shown(past, newest))
            return replace(request, messages=messages, head=len(past.setup.head))

        return build

    def _reply(self, stored: StoredChat, finished: Finished) -> dict[str, Any]:
        return self._response(stored, finished).model_dump(mode="json")

    def _response(self, stored: StoredChat, finished: Finished) -> ConversationChatResponse:
        plain = self._call.response_of(stored.chat)(finished)
        about = self._view.about(stored)
        return self._view.answer(**dict(plain), **_place(stored), **about)


def _place(stored: StoredChat) -> dict[str, str]:
    return {
        "conversation_id": stored.conversation_id,
        "message_id": stored.message_id,
        "parent_id": stored.parent_id,
    }


def _start(stored: StoredChat) -> ConversationStartEvent:
    chat = stored.chat
    return ConversationStartEvent(
        id=chat.id,
        created_at=chat.created_at,
        model=chat.model,
        context=ContextSchema.model_validate(chat.context),
        **_place(stored),
    )


async def _again(result: dict[str, Any]) -> AsyncGenerator[StreamEvent, None]:
    """The stream of an answer that is known already."""
    yield StreamEvent("start", {name: result[name] for name in ConversationStartEvent.model_fields})
    if result["response"]:
        yield StreamEvent("token", {"text": result["response"]})
    yield StreamEvent("done", result)


async def get_turn_call(
    call: ChatCallDep,
    chats: ChatServiceDep,
    prompts: PromptServiceDep,
    database: DatabaseDep,
    writer: AnswerWriterDep,
    owner: OwnerDep,
) -> TurnCall:
    return TurnCall(call, ConversationChats(chats, database, writer, owner), prompts)


TurnCallDep = Annotated[TurnCall, Depends(get_turn_call)]
