"""One call of a tool, read while it is being written: `{"name": …, "arguments": {…}}`.

The name is told as soon as it is known, the arguments as they come.
"""

import json
import re
import secrets
from collections.abc import Collection
from typing import Any, Final

from msgspec import Struct

# What models write before the arguments; Llama calls them parameters.
_HEAD: Final = re.compile(
    r'\s*\{\s*"name"\s*:\s*"(?P<name>[A-Za-z0-9_-]{1,64})"\s*,'
    r'\s*"(?:arguments|parameters)"\s*:\s*(?=\{)'
)
_FIRST_KEY: Final = re.compile(r'\s*\{\s*"(?P<key>[^"\\]*)"')
_KEYS: Final = frozenset({"name", "arguments", "parameters", "type", "id"})


class CallBegun(Struct, frozen=True):
    """The model calls the tool `name`; `number` counts the calls of an answer from 0."""

    number: int
    id: str
    name: str


class CallArguments(Struct, frozen=True):
    """A piece of the JSON text of a call's arguments."""

    number: int
    text: str


CallDelta = CallBegun | CallArguments


class ObjectScanner:
    """Finds the end of a JSON object in a text that comes in pieces."""

    def __init__(self) -> None:
        self._depth = 0
        self._in_string = self._escaped = False

    def end_in(self, text: str) -> int | None:
        """Where the object ends in this piece: the index after it, or None if later."""
        for index, char in enumerate(text):
            if self._escaped:
                self._escaped = False
            elif self._in_string:
                self._escaped = char == "\\"
                self._in_string = char != '"'
            elif char == '"':
                self._in_string = True
            elif char in "{[":
                self._depth += 1
            elif char in "}]":
                self._depth -= 1
                if self._depth <= 0:
                    return index + 1
        return None


class CallReader:
    """Feed it pieces until `done` or `failed`. Then `rest` is what it did not take; of what
    failed before the call was told of, all."""

    def __init__(self, names: Collection[str], number: int) -> None:
        self._names = names
        self._number = number
        self._whole = ObjectScanner()
        self._arguments: ObjectScanner | None = None
        self._held = ""
        self.begun = self.done = self.failed = False
        self.rest = ""

    def feed(self, text: str) -> list[CallDelta]:
        if not self.begun:
            return self._head(text)
        if self._arguments is not None:
            return self._write(text)
        self._close(text)
        return []

    def _head(self, text: str) -> list[CallDelta]:
        """Until the name is known; a call written in another order is read when it is whole."""
        self._held += text
        if match := _HEAD.match(self._held):
            if match["name"] not in self._names:
                return self._fail()
            after, self._held = self._held[match.end() :], ""
            self._arguments = ObjectScanner()
            return [self._begin(match["name"]), *self._write(after)]
        first = _FIRST_KEY.match(self._held)
        starts = self._held.lstrip()[:1] in ("", "{")
        if not starts or (first is not None and first["key"] not in _KEYS):
            return self._fail()
        end = self._whole.end_in(text) if self._held.strip() else None
        return [] if end is None else self._parsed(len(self._held) - len(text) + end)

    def _begin(self, name: str) -> CallBegun:
        self.begun = True
        return CallBegun(self._number, "call_" + secrets.token_hex(12), name)

    def _write(self, text: str) -> list[CallDelta]:
        assert self._arguments is not None
        end = self._arguments.end_in(text)
        piece = text if end is None else text[:end]
        if end is not None:
            self._arguments = None
            self._close(text[end:])
        return [CallArguments(self._number, piece)] if piece else []

    def _close(self, text: str) -> None:
        """The brace that ends the call; another one is not missed."""
        self._held += text
        after = self._held.lstrip()
        if after:
            self.done, self.rest = True, after.removeprefix("}")

    def _parsed(self, end: int) -> list[CallDelta]:
        found = _read(self._held[:end])
        if found is None or found[0] not in self._names:
            return self._fail()
        self.done, self.rest = True, self._held[end:]
        text = json.dumps(found[1], ensure_ascii=False)
        return [self._begin(found[0]), CallArguments(self._number, text)]

    def _fail(self) -> list[CallDelta]:
        self.failed, self.rest = True, self._held
        return []

    def end(self) -> None:
        """The answer is over. A call that had not been told of is none."""
        if not self.begun:
            self._fail()


def _read(text: str) -> tuple[str, dict[str, Any]] | None:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    name = value.get("name")
    arguments = value.get("arguments", value.get("parameters", {}))
    if isinstance(name, str) and isinstance(arguments, dict):
        return name, arguments
    return None
