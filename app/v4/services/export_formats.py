"""A conversation as it leaves the server: JSON that import takes back, and Markdown for people."""

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from app.database.records import StoredImage, StoredMessage, Tree
from app.i18n import translate

# The files of pictures as base64, by hash; those that were left out are missing.
Files = Mapping[str, str]
FORMAT = "sllm.conversation"
VERSION = 1

# Line breaks to many a reader (Python's splitlines), though not to JSON: NEL, LS, PS.
_LINE_BREAKS = (
    (b"\xc2\x85", b"\\u0085"),
    (b"\xe2\x80\xa8", b"\\u2028"),
    (b"\xe2\x80\xa9", b"\\u2029"),
)
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})(.*)")


def line_of(tree: Tree, files: Files) -> bytes:
    """One line of JSON Lines, its end included."""
    line = msgspec.json.encode(_portable(tree, files))
    for raw, escaped in _LINE_BREAKS:
        line = line.replace(raw, escaped)
    return line + b"\n"


def json_of(tree: Tree, files: Files) -> bytes:
    """The same for reading: indented."""
    return msgspec.json.format(msgspec.json.encode(_portable(tree, files)), indent=2) + b"\n"


def _portable(tree: Tree, files: Files) -> dict[str, Any]:
    source = tree.conversation
    return {
        "format": FORMAT,
        "version": VERSION,
        "id": source.id,
        "title": source.title,
        "metadata": source.metadata,
        "created_at": source.created_at,
        "updated_at": source.updated_at,
        "current_message_id": source.current_message_id,
        "setup": tree.setup,
        "messages": [_message(message, files) for message in tree.messages],
    }


def _message(message: StoredMessage, files: Files) -> dict[str, Any]:
    fields = msgspec.structs.asdict(message)
    del fields["seq"], fields["images"]  # their order tells the first
    if message.parts is None:
        del fields["parts"]
    if message.images:
        fields["images"] = [_image(image, files) for image in message.images]
    return fields


def _image(image: StoredImage, files: Files) -> dict[str, Any]:
    return {**msgspec.structs.asdict(image), "data": files.get(image.sha256)}


def markdown_of(tree: Tree, language: str) -> str:
    """The current branch, a heading for each message; what was said stays as it was written."""
    source = tree.conversation
    day = f"{source.created_at:%Y-%m-%d %H:%M}"
    parts = [
        f"# {' '.join(source.title.split())}",
        f"*{translate('export_begun', language, time=day)}*",
        *(_section(message, language) for message in branch_of(tree)),
    ]
    return "\n\n".join(parts) + "\n"


def branch_of(tree: Tree) -> list[StoredMessage]:
    """From the root to the current message."""
    by_id = {message.id: message for message in tree.messages}
    branch = []
    place = tree.conversation.current_message_id
    while place is not None:
        branch.append(by_id[place])
        place = by_id[place].parent_id
    return branch[::-1]


def _section(message: StoredMessage, language: str) -> str:
    heading = f"## {translate(f'export_role_{message.role}', language)}"
    shown = [
        f"*({translate('export_image', language, width=image.width, height=image.height)})*"
        for image in message.images
    ]
    parts = [heading, *shown, message.content + _unclosed(message.content)]
    if message.status != "complete":
        parts.append(f"*({translate(f'export_status_{message.status}', language)})*")
    return "\n\n".join(part for part in parts if part)


def _unclosed(text: str) -> str:
    """The end of a code block that an answer was cut in; the next heading would be code."""
    fence = ""
    for line in text.splitlines():
        found = _FENCE.match(line)
        if found is None:
            continue
        marks, rest = found.groups()
        if not fence:
            fence = "" if marks[0] == "`" and "`" in rest else marks
        elif marks.startswith(fence) and not rest.strip():
            fence = ""
    return f"\n{fence}" if fence else ""
