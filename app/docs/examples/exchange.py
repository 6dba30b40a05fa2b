"""A request and its answer, as they went over the wire but for what changes from run to run."""

import json
import re
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

KEPT = Path(__file__).parent / "kept"
STAMP = "2026-01-01T00:00:00Z"
# Values by their form: ids, times, and numbers that a clock gave.
_ID = re.compile(r"\b(chat|conv|msg|img|req)_[0-9a-f]{32}\b")
_TIME = re.compile(r"\b20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00)")


class Sent(Struct, frozen=True, omit_defaults=True):
    """What the client sent; `body` is JSON, or the parts of `form`."""

    path: str
    headers: dict[str, str] = {}
    body: Any = None
    form: dict[str, str] = {}


class Answered(Struct, frozen=True, omit_defaults=True):
    """What came back: JSON, or text, or nothing where it was no text."""

    status: int
    headers: dict[str, str] = {}
    body: Any = None
    text: str = ""


class Exchange(Struct, frozen=True):
    """One example of the operation `method` `route` of a version, under an English title."""

    title: str
    method: str
    route: str
    sent: Sent
    answered: Answered

    @property
    def key(self) -> str:
        """Its title as a name in an OpenAPI document."""
        return re.sub(r"[^a-z0-9]+", "_", self.title.lower()).strip("_")


def load(version: str) -> list[Exchange]:
    """The examples of a version, in the order they were run."""
    return msgspec.json.decode((KEPT / f"{version}.json").read_bytes(), type=list[Exchange])


def save(version: str, exchanges: list[Exchange]) -> None:
    """Keep them in the form that `load` reads."""
    text = json.dumps(msgspec.to_builtins(exchanges), ensure_ascii=False, indent=1)
    (KEPT / f"{version}.json").write_text(text + "\n", encoding="utf-8")


class Normaliser:
    """Replaces ids by numbered ones, in the order in which they appear, and times by one time."""

    def __init__(self) -> None:
        self._ids: dict[str, str] = {}

    def text(self, text: str) -> str:
        """The same without what another run would not repeat."""
        return _TIME.sub(STAMP, _ID.sub(self._numbered, text))

    def value(self, value: Any) -> Any:
        """The same for whatever JSON holds."""
        return json.loads(self.text(json.dumps(value, ensure_ascii=False)))

    def _numbered(self, match: re.Match[str]) -> str:
        kind = match[1]
        if match[0] not in self._ids:
            number = 1 + sum(known.startswith(kind) for known in self._ids)
            self._ids[match[0]] = f"{kind}_{number:032x}"
        return self._ids[match[0]]
