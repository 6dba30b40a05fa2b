"""The steps of a chat in a conversation: accepted by the engine, then stored, then answered."""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

from msgspec.structs import replace as changed

from app.database import Database, conversations, questions
from app.database.records import Question, Snapshot, StoredImage, Turn
from app.domain.errors import SllmError
from app.domain.generation import Finished, GenerationRequest
from app.domain.messages import Message
from app.domain.model_info import Notice
from app.v1.services import chat_service as plain
from app.v4.services.answer_writer import AnswerWriter, Read, words
from app.v4.services.chat_history import ChatHistory

LOOK_SECONDS = 0.1

# What to generate after a branch, and the reply to it once it is whole.
Build = Callable[[Snapshot], GenerationRequest]
Reply = Callable[["StoredChat", Finished], dict[str, Any]]


@dataclass(frozen=True)
class StoredChat:
    """An accepted chat whose question, and place for the answer, are on disk. Its events are
    those of any chat; Finished comes once the answer is on disk too."""

    chat: plain.Chat
    conversation_id: str
    message_id: str
    parent_id: str
    images: tuple[StoredImage, ...] = ()


class ConversationChats:
    """Chats in one owner's conversations, on one model."""

    def __init__(
        self,
        chats: plain.ChatService,
        database: Database,
        writer: AnswerWriter,
        owner: str,
        read: Read = words,
    ) -> None:
        self._chats = chats
        self._database = database
        self._writer = writer
        self._owner = owner
        self._read = read
        self._history = ChatHistory(database, owner)

    async def ask(
        self, question: Question, build: Build, model: str | None, reply: Reply
    ) -> StoredChat | Turn:
        """A turn on its way, or the finished turn of an earlier request with the same key.

        One that was cut is answered anew: it is still one question. SllmError for all that is
        wrong before the first event; then nothing has been stored.
        """
        while True:
            earlier = await self._earlier(question)
            if earlier is None:
                chat = await self._new(question, build, model, reply)
            elif earlier.result is not None:
                return earlier
            else:
                chat = await self._again(
                    earlier.conversation_id,
                    earlier.question.id,
                    build,
                    model,
                    reply,
                    earlier.answer.id,
                    question.facts,
                )
            if chat is not None:
                return chat

    async def regenerate(
        self,
        conversation_id: str,
        message_id: str,
        build: Build,
        model: str | None,
        reply: Reply,
        facts: dict[str, Any] | None = None,
    ) -> StoredChat:
        """Another answer to the question that `message_id` is or answers. `facts` are kept with
        it. Raises SllmError."""
        question = await self._history.question(conversation_id, message_id)
        return await self._again(conversation_id, question.id, build, model, reply, facts=facts)

    async def _earlier(self, question: Question) -> Turn | None:
        """The turn of the same Idempotency-Key, once nobody writes to it any more. Whoever does
        may be another process, so this looks now and then."""
        while True:
            turn = await questions.repeated(self._database, self._owner, question)
            if turn is None or turn.answer.status != "pending":
                return turn
            await asyncio.sleep(LOOK_SECONDS)

    async def _new(
        self, question: Question, build: Build, model: str | None, reply: Reply
    ) -> StoredChat | None:
        """None where another request with the same key was quicker."""
        past = await self._history.before(question)
        conversation = question.conversation_id or question.start.id
        chat = await self._opened(past, build, model, conversation)
        placed = _measured(_placed(question, past), chat.context.image_tokens)
        turn = await self._stored(chat, questions.ask(self._database, self._owner, placed))
        if turn.repeated:
            await chat.events.aclose()
            return None
        stored = await self._followed(chat, turn, reply)
        try:
            await self._describe(question)
        except (SllmError, asyncio.CancelledError):
            await stored.chat.events.aclose()
            raise
        return stored

    async def _again(
        self,
        conversation_id: str,
        question_id: str,
        build: Build,
        model: str | None,
        reply: Reply,
        instead_of: str | None = None,
        facts: dict[str, Any] | None = None,
    ) -> StoredChat:
        past = await self._history.until(conversation_id, question_id)
        chat = await self._opened(past, build, model, conversation_id)
        asked = questions.ask_again(
            self._database, self._owner, conversation_id, question_id, instead_of, facts
        )
        return await self._followed(chat, await self._stored(chat, asked), reply)

    async def _opened(
        self, past: Snapshot, build: Build, model: str | None, conversation: str
    ) -> plain.Chat:
        """An accepted chat, with a warning where its model is not shown the images. What its
        engine computes is kept under the conversation's id."""
        request = changed(build(past), conversation=conversation)
        chat = await self._chats.open(request, model)
        if _have_images(past.history) and not _have_images(request.messages):
            return replace(chat, warnings=(*chat.warnings, Notice("images_not_shown")))
        return chat

    async def _stored(self, chat: plain.Chat, asking: Any) -> Turn:
        """The stored turn; the chat ends when it cannot be stored."""
        try:
            return await self._writer.begin(self._owner, asking)
        except (SllmError, asyncio.CancelledError):
            await chat.events.aclose()
            raise

    async def _describe(self, question: Question) -> None:
        """A title and labels that come with a message for an old conversation."""
        start = question.start
        if question.conversation_id is not None and (start.title or start.metadata):
            await conversations.change(
                self._database,
                self._owner,
                question.conversation_id,
                title=start.title or None,
                metadata=start.metadata or None,
            )

    async def _followed(self, chat: plain.Chat, turn: Turn, reply: Reply) -> StoredChat:
        asked = turn.question
        stored = StoredChat(chat, turn.conversation_id, turn.answer.id, asked.id, asked.images)
        events = self._writer.follow(
            self._owner, turn.answer.id, chat, lambda finished: reply(stored, finished), self._read
        )
        # Begun here: what has not begun could not mark the answer when it is dropped.
        await anext(events)
        return replace(stored, chat=replace(chat, events=events))


def _have_images(messages: Iterable[Message]) -> bool:
    return any(message.images for message in messages)


def _measured(question: Question, tokens: tuple[int, ...]) -> Question:
    """With what the model takes each new image for."""
    if not question.images:
        return question
    # An earlier question that got no answer stands before this one, and so do its images.
    newest = tokens[-len(question.images) :]
    pairs = zip(question.images, newest, strict=True)
    return changed(question, images=tuple(changed(image, tokens=n) for image, n in pairs))


def _placed(question: Question, past: Snapshot) -> Question:
    """With the message named that the prompt was made from: if somebody else has continued the
    conversation since, that is a conflict."""
    if question.conversation_id is None or question.parent_id is not None:
        return question
    return changed(question, parent_id=past.last_id, must_be_current=True)
