"""One entry of an import: from its bytes to a conversation, or to what is wrong with it."""

from typing import Any

import msgspec
from msgspec import Raw, Struct
from pydantic import ValidationError

from app.database.records import Tree
from app.domain.errors import SllmError
from app.v4.config import LARGEST_CONVERSATION, LONGEST_TITLE
from app.v4.models.transfer import PortableConversation
from app.v4.services.chatgpt_import import chatgpt_tree
from app.v4.services.export_formats import FORMAT, VERSION
from app.v4.services.transfer_service import Entry
from app.validation_errors import invalid_request


class Kind(Struct):
    """What tells the formats apart."""

    format: Any = None
    version: Any = None
    title: Any = None
    mapping: Raw = Raw()


class EntryReader:
    """Knows our own exports and ChatGPT's; says what is wrong in `language`."""

    def __init__(self, language: str) -> None:
        self._language = language

    def read(self, raw: bytes) -> Entry:
        """Never raises for what an entry holds."""
        if len(raw) > LARGEST_CONVERSATION:
            error = SllmError("too_large", "import_conversation_large", limit=LARGEST_CONVERSATION)
            return Entry(error=error, known=False)
        try:
            kind = msgspec.json.decode(raw, type=Kind)
        except msgspec.ValidationError:
            return Entry(error=SllmError("invalid_parameter", "import_unknown"), known=False)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return Entry(error=SllmError("invalid_json", "import_not_json"), known=False)
        if kind.format != FORMAT and not bytes(kind.mapping).startswith(b"{"):
            return Entry(error=SllmError("invalid_parameter", "import_unknown"), known=False)
        title = kind.title[:LONGEST_TITLE] if isinstance(kind.title, str) else None
        try:
            tree = self._own(raw, kind) if kind.format == FORMAT else chatgpt_tree(raw)
        except SllmError as error:
            return Entry(title, error=error)
        return Entry(tree.conversation.title, tree)

    def _own(self, raw: bytes, kind: Kind) -> Tree:
        if isinstance(kind.version, int) and kind.version > VERSION:
            raise SllmError("invalid_parameter", "import_newer")
        try:
            return PortableConversation.model_validate_json(raw).to_tree()
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[:1]
            if not first[0]["loc"]:  # JSON that is nested too deeply
                raise SllmError("invalid_parameter", "import_damaged") from error
            raise invalid_request(first, self._language) from error
