"""What goes into this package and comes out of it: conversations, messages, turns, templates."""

from datetime import datetime
from typing import Any, Literal

from msgspec import Struct

from app.domain.generation import FinishReason, Timings, Usage
from app.domain.messages import Message, Picture, Role
from app.domain.parts import Parts

Status = Literal["complete", "interrupted", "failed", "pending"]
Order = Literal["updated_desc", "created_desc"]


class Preview(Struct, frozen=True):
    """The beginning of a conversation's current message, at most 200 characters."""

    role: Role
    preview: str


class Conversation(Struct, frozen=True):
    """A conversation without its messages; `message_count` counts those of all branches."""

    id: str
    title: str
    metadata: dict[str, str]
    template: str | None
    created_at: datetime
    updated_at: datetime
    current_message_id: str | None
    message_count: int
    last_message: Preview | None = None


class StoredImage(Struct, frozen=True):
    """A picture of a message: what a Picture says but for its file, under the id that clients
    know (empty until it is stored). `media_type` is of the file that came, `tokens` what the
    model that saw it first made of it, 0 for none."""

    sha256: str
    width: int
    height: int
    media_type: str
    id: str = ""
    tokens: int = 0
    filename: str = ""
    ocr: str = ""
    lens_keywords: str = ""
    lens_local_keywords: str = ""

    def picture(self, file: str = "") -> Picture:
        """As models are shown it, in `file`."""
        return Picture(
            file,
            self.sha256,
            self.width,
            self.height,
            self.filename,
            self.media_type,
            self.ocr,
            self.lens_keywords,
            self.lens_local_keywords,
        )


class StoredMessage(Struct, frozen=True):
    """One message of the tree; `seq` numbers a conversation's messages in the order they came."""

    id: str
    parent_id: str | None
    role: Role
    content: str
    status: Status
    created_at: datetime
    seq: int
    finish_reason: FinishReason | None = None
    usage: Usage | None = None
    timings: Timings | None = None
    images: tuple[StoredImage, ...] = ()
    parts: Parts | None = None


class NewMessage(Struct, frozen=True):
    """A message on its way in; where it has `parts`, `content` is what they show."""

    role: Role
    content: str
    images: tuple[StoredImage, ...] = ()
    parts: Parts | None = None


class Setup(Struct, frozen=True):
    """What a model is told before a conversation: messages, and default options of a chat.

    `template` is the name of the template that they come from; they stay as they were when that
    is changed or deleted.
    """

    template: str | None = None
    head: tuple[Message, ...] = ()
    options: dict[str, Any] = {}


class NewConversation(Struct, frozen=True):
    """What a conversation begins with; without an `id` it is given one."""

    title: str = ""
    metadata: dict[str, str] = {}
    setup: Setup = Setup()
    id: str = ""


class Question(Struct, frozen=True):
    """A user's message on its way into a conversation, or into a new one.

    `parent_id` None continues at the current message; with `must_be_current` it is a conflict if
    `parent_id` is that no more. `setup` replaces an old conversation's, `start` is for a new one.
    `idempotency_key` and `request_hash` go together: the same key with another hash is a conflict.
    `before` are messages that come right before it. `facts` are kept with the answer, for whoever
    tells of it later. `name` becomes the title of a conversation that has none.
    """

    content: str
    conversation_id: str | None = None
    parent_id: str | None = None
    must_be_current: bool = False
    setup: Setup | None = None
    start: NewConversation = NewConversation()
    idempotency_key: str | None = None
    request_hash: str = ""
    images: tuple[StoredImage, ...] = ()
    role: Role = "user"
    parts: Parts | None = None
    before: tuple[NewMessage, ...] = ()
    facts: dict[str, Any] | None = None
    name: str = ""


class Turn(Struct, frozen=True):
    """A stored question and the place for its answer.

    `repeated` says that an earlier request with the same Idempotency-Key has stored it; then
    `answer` is in whatever state that request has left it, and `result` what it answered.
    """

    conversation_id: str
    question: StoredMessage
    answer: StoredMessage
    repeated: bool = False
    result: dict[str, Any] | None = None


class Answer(Struct, frozen=True):
    """What became of a generation; `result` is the whole reply, kept for repeated requests."""

    content: str
    status: Literal["complete", "interrupted", "failed"] = "complete"
    finish_reason: FinishReason | None = None
    usage: Usage | None = None
    timings: Timings | None = None
    result: dict[str, Any] | None = None
    parts: Parts | None = None
    facts: dict[str, Any] | None = None


class ConversationQuery(Struct, frozen=True):
    """Which conversations, in what order; `page` counts from 1. All conditions must hold."""

    page: int = 1
    page_size: int = 20
    search: str = ""
    order: Order = "updated_desc"
    metadata: dict[str, str] = {}


class ConversationPage(Struct, frozen=True):
    """One page, and how many conversations there are on all pages."""

    items: tuple[Conversation, ...]
    total: int
    page: int
    page_size: int


class MessagePage(Struct, frozen=True):
    """Messages in the order they came, and how many there are on all pages."""

    items: tuple[StoredMessage, ...]
    total: int


class Tree(Struct, frozen=True):
    """A whole conversation, every branch of it: what is exported and imported.

    `files` are of pictures on their way in, as base64, by message: each for the one in its place.
    """

    conversation: Conversation
    messages: tuple[StoredMessage, ...]
    setup: Setup = Setup()
    files: dict[str, tuple[str | None, ...]] = {}


class Snapshot(Struct, frozen=True):
    """A conversation as its next answer sees it: the branch from the root to `last_id`, which
    is None where nothing has been said, without answers that failed or are empty. With `asked`
    it ends with the question itself. Where the pictures' files are is not known here."""

    setup: Setup
    last_id: str | None
    last_status: Status
    history: tuple[Message, ...]
    asked: bool = False


class StoredTemplate(Struct, frozen=True):
    """One version of a user's prompt template; `body` is what the user wrote, as JSON."""

    name: str
    version: int
    body: dict[str, Any]
    created_at: datetime
    updated_at: datetime


class StoredTemplates(Struct, frozen=True):
    """Some templates, or versions of one, and how many there are in all."""

    items: tuple[StoredTemplate, ...]
    total: int
