"""The steps of an answer to items: where it goes on, who answers, what the model is shown, and the
items and the answer kept in a conversation, or not."""

from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from contextlib import aclosing, contextmanager
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from app.database import Database, branches, responses
from app.database.records import NewConversation, NewMessage, Question, Snapshot, Turn
from app.database.texts import new_id
from app.domain.errors import SllmError
from app.domain.generation import Finished, GenerationRequest
from app.domain.messages import Message
from app.domain.model_info import ModelInfo
from app.domain.options import ContextPolicy, GenerationOptions
from app.domain.parts import spoken
from app.domain.titles import title_of
from app.domain.tools import ToolUse
from app.images.store import ImageStore
from app.openai.services.answers import AnswerEvent, Begun, told
from app.openai.services.conversations import title_for
from app.openai.services.intake import Said
from app.openai.services.models import Models
from app.openai.services.reading import Reading
from app.openai.services.responses import no_response
from app.openai.services.shown import seen, whole
from app.provider.model_provider import ModelProvider
from app.v1.services.chat_service import ChatService
from app.v4.services.answer_writer import AnswerWriter
from app.v4.services.chat_service import ConversationChats, StoredChat
from app.v5.services.vision_service import Sight

Make = Callable[[tuple[Message, ...], GenerationOptions, ContextPolicy | None], GenerationRequest]
Reply = Callable[[StoredChat, Finished], dict[str, Any]]
NOTHING = Snapshot(NewConversation().setup, None, "complete", ())


class Place(Struct, frozen=True):
    """Where a response goes on: after `past`, which ends at `parent_id` or at the conversation's
    current message; without a conversation it begins one."""

    past: Snapshot = NOTHING
    conversation_id: str | None = None
    parent_id: str | None = None


class Asking(Struct, frozen=True):
    """What one response needs; `new` are its own items."""

    place: Place
    new: tuple[NewMessage, ...]
    options: GenerationOptions
    policy: ContextPolicy
    use: ToolUse = ToolUse()
    instructions: str | None = None
    facts: dict[str, Any] = {}
    key: str | None = None
    request_hash: str = ""


class Answerer(Struct, frozen=True):
    """The model that answers, and how its answers are read."""

    model: ModelProvider
    info: ModelInfo
    reading: Reading
    sees: bool


class KeptAnswers:
    """One owner's responses."""

    def __init__(
        self,
        models: Models,
        store: ImageStore,
        database: Database,
        writer: AnswerWriter,
        owner: str,
        make: Make,
    ) -> None:
        self._models = models
        self._store = store
        self._database = database
        self._writer = writer
        self._owner = owner
        self._make = make

    async def place(
        self, conversation_id: str | None, previous_id: str | None, repeats: bool = False
    ) -> Place:
        """Raises SllmError `not_found`; `conflict` while the last answer is being written, which
        may be the one that is asked for where a request `repeats`."""
        database, owner = self._database, self._owner
        if previous_id is not None:
            with no_response("previous_response_id"):
                found = await responses.get(database, owner, previous_id, 1)
            conversation_id = found.conversation_id
        if conversation_id is None:
            return Place()
        with missing_at("conversation"):
            past = await branches.snapshot(database, owner, conversation_id, previous_id)
        if past.last_status == "pending" and not repeats:
            raise SllmError("conflict", "conversation_busy", param="conversation", retry_after=1)
        return Place(past, conversation_id, previous_id)

    async def answerer(
        self, name: str | None, place: Place, said: Sequence[Said], use: ToolUse
    ) -> Answerer:
        """Who answers. Raises SllmError where nobody can."""
        shows = any(each.pictures or each.message.images for each in said)
        shown = any(message.images for message in place.past.history)
        sees = shows or (shown and self._models.sees)
        model = await self._models.find(name, sees)
        info = await model.info()
        if not info.tools and (use.tools or any(_of_tools(each.message) for each in said)):
            raise SllmError("unsupported_by_engine", "tools_unsupported", param="tools")
        names = tuple(tool.name for tool in use.tools)
        return Answerer(model, info, Reading(names, info.thinks, use.one), sees)

    async def ask(self, by: Answerer, asking: Asking, reply: Reply) -> StoredChat | Turn:
        """An answer on its way, its items on disk; or the turn that an earlier request with the
        same key has finished. Raises SllmError, then nothing has been stored."""
        chats = ConversationChats(
            ChatService(by.model), self._database, self._writer, self._owner, by.reading.kept
        )
        place = asking.place
        if not asking.new:
            assert place.conversation_id is not None
            assert place.past.last_id is not None
            return await chats.regenerate(
                place.conversation_id,
                place.past.last_id,
                self._build(by, asking),
                None,
                reply,
                asking.facts,
            )
        return await chats.ask(_question(asking), self._build(by, asking), None, reply)

    async def fleeting(self, by: Answerer, asking: Asking) -> AsyncGenerator[AnswerEvent, None]:
        """Begun, then an answer of which nothing is kept."""
        request = self._build(by, asking)(asking.place.past)
        chat = await ChatService(by.model).open(request)
        async with aclosing(chat.events) as events:
            yield Begun(chat.id, chat.created_at, chat.model)
            async for event in told(events, by.reading.reader(), 0):
                yield event

    def written(self, by: Answerer, stored: StoredChat) -> AsyncGenerator[AnswerEvent, None]:
        """The events of an answer that is kept."""
        return _closing(stored.chat.events, by.reading)

    def _build(self, by: Answerer, asking: Asking) -> Callable[[Snapshot], GenerationRequest]:
        def build(past: Snapshot) -> GenerationRequest:
            said = [
                spoken(
                    each.role,
                    each.content,
                    tuple(image.picture() for image in each.images),
                    each.parts,
                )
                for each in (() if past.asked else asking.new)
            ]
            messages, head = whole(past, asking.instructions, said)
            messages = seen(messages, Sight(self._store, self._owner) if by.sees else None)
            request = self._make(messages, asking.options, asking.policy)
            return replace(request, head=head, tools=asking.use.tools)

        return build


@contextmanager
def missing_at(field: str) -> Iterator[None]:
    """What is not there was named in `field`."""
    try:
        yield
    except SllmError as error:
        error.param = error.param or field
        raise


def _of_tools(message: NewMessage) -> bool:
    parts = message.parts
    return parts is not None and (parts.result_of is not None or bool(parts.calls))


def _question(asking: Asking) -> Question:
    *before, last = asking.new
    title = title_for(asking.new) or title_of(last.content)
    return Question(
        last.content,
        asking.place.conversation_id,
        asking.place.parent_id,
        start=NewConversation("" if asking.place.conversation_id else title, id=new_id("conv")),
        idempotency_key=asking.key,
        request_hash=asking.request_hash,
        images=last.images,
        role=last.role,
        parts=last.parts,
        before=tuple(before),
        facts=asking.facts,
        name=title,
    )


async def _closing(events: Any, reading: Reading) -> AsyncGenerator[AnswerEvent, None]:
    async with aclosing(events):
        async for event in told(events, reading.reader(), 0):
            yield event
