"""One conversation of a ChatGPT export as a tree of ours; which messages count, and in what order.

The file is a map of nodes that name their parents. Nodes without words of the user or the
assistant (system, tools, hidden context) are passed over: what follows them follows their parent.
"""

import heapq
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import msgspec
from msgspec import Struct

from app.database.records import Conversation, StoredMessage, Tree
from app.domain.errors import SllmError
from app.domain.titles import title_of
from app.v4.config import LONGEST_TITLE

SPOKEN = ("text", "multimodal_text", "code")
# Seconds since 1970; beyond is no time of any export.
LATEST = 32_503_680_000


class Author(Struct):
    role: Any = None


class Content(Struct):
    content_type: Any = "text"
    parts: Any = None
    text: Any = None


class Hints(Struct):
    is_visually_hidden_from_conversation: Any = False


class Said(Struct):
    author: Author | None = None
    content: Content | None = None
    create_time: Any = None
    status: Any = None
    recipient: Any = None
    metadata: Hints | None = None


class Node(Struct):
    message: Said | None = None
    parent: str | None = None


class Exported(Struct):
    """What is read of a conversation; everything else in the file is not looked at."""

    mapping: dict[str, Node]
    title: Any = None
    create_time: Any = None
    update_time: Any = None
    current_node: Any = None


def chatgpt_tree(raw: bytes) -> Tree:
    """The conversation with all its branches.

    SllmError `invalid_parameter` when it is damaged or nobody says anything in it.
    """
    try:
        source = msgspec.json.decode(raw, type=Exported)
    except msgspec.ValidationError as error:
        raise SllmError("invalid_parameter", "import_damaged") from error
    walk = Walk(source)
    if len(walk.anchors) < len(source.mapping):
        raise SllmError("invalid_parameter", "import_circle")
    if not walk.messages:
        raise SllmError("invalid_parameter", "import_empty")
    first, last = walk.messages[0], max(message.created_at for message in walk.messages)
    current = walk.anchors.get(source.current_node) if _is_name(source.current_node) else None
    conversation = Conversation(
        id="",
        title=_title(source.title, walk.messages),
        metadata={},
        template=None,
        created_at=_time(source.create_time) or first.created_at,
        updated_at=_time(source.update_time) or last,
        current_message_id=current or walk.messages[-1].id,
        message_count=len(walk.messages),
    )
    return Tree(conversation, tuple(walk.messages))


class Walk:
    """From the roots down, without recursion: the earliest first, but parents before children.

    `anchors` has for every node that was reached the message that its children follow.
    """

    def __init__(self, source: Exported) -> None:
        self.messages: list[StoredMessage] = []
        self.anchors: dict[str, str | None] = {}
        self._nodes = source.mapping
        self._children: dict[str | None, list[tuple[int, str]]] = defaultdict(list)
        for number, (id_, node) in enumerate(self._nodes.items()):
            parent = node.parent if node.parent in self._nodes else None
            self._children[parent].append((number, id_))
        self._start = _time(source.create_time) or datetime.now(UTC)
        self._go()

    def _go(self) -> None:
        waiting = list(self._below(None, None, self._start))
        heapq.heapify(waiting)
        while waiting:
            moment, _, id_, anchor = heapq.heappop(waiting)
            self._visit(id_, anchor, moment)
            for child in self._below(id_, self.anchors[id_], moment):
                heapq.heappush(waiting, child)

    def _below(
        self, id_: str | None, anchor: str | None, moment: datetime
    ) -> Iterator[tuple[datetime, int, str, str | None]]:
        for number, child in self._children[id_]:
            said = self._nodes[child].message
            yield (said and _time(said.create_time)) or moment, number, child, anchor

    def _visit(self, id_: str, anchor: str | None, moment: datetime) -> None:
        said = self._nodes[id_].message
        role: Any = said.author.role if said and said.author else None
        text = words_of(said) if said and role in ("user", "assistant") else ""
        self.anchors[id_] = id_ if text else anchor
        if said and text:
            cut = said.status in ("in_progress", "finished_partial_completion")
            status: Any = "interrupted" if cut and role == "assistant" else "complete"
            number = len(self.messages) + 1
            message = StoredMessage(id_, anchor, role, text, status, moment, number)
            self.messages.append(message)


def words_of(said: Said) -> str:
    """What a reader of the conversation saw of a message, or nothing."""
    hidden = said.metadata is not None and said.metadata.is_visually_hidden_from_conversation
    content = said.content
    if content is None or hidden is True or said.recipient not in (None, "all"):
        return ""
    if content.content_type not in SPOKEN:
        return ""
    parts = content.parts if isinstance(content.parts, list) else [content.text]
    return "\n\n".join(text for text in map(_words, parts) if text.strip())


def _words(part: Any) -> str:
    if isinstance(part, str):
        return part
    kind = part.get("content_type") if isinstance(part, dict) else None
    if kind == "image_asset_pointer":
        return "[image]"
    text = part.get("text") if kind == "audio_transcription" else None
    return text if isinstance(text, str) else ""


def _title(given: Any, messages: list[StoredMessage]) -> str:
    words = " ".join(given.split()) if isinstance(given, str) else ""
    asked = next((each for each in messages if each.role == "user"), messages[0])
    return words[:LONGEST_TITLE].rstrip() or title_of(asked.content)


def _time(seconds: Any) -> datetime | None:
    is_number = isinstance(seconds, int | float) and not isinstance(seconds, bool)
    return datetime.fromtimestamp(seconds, UTC) if is_number and 0 < seconds < LATEST else None


def _is_name(value: Any) -> bool:
    return isinstance(value, str)
