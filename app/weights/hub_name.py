"""Names of weights at a model hub: `hf:owner/name`, `hf:owner/name:file`, or without `hf:`."""

import re
from typing import Final

from msgspec import Struct

PREFIX: Final = "hf:"
_NAME: Final = re.compile(
    r"(?:hf:)?(?P<repo>[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95})(?::(?P<file>.+))?"
)
# A path below the repository's root, with nothing that leads out of it.
_FILE: Final = re.compile(r"(?:[\w+][\w.+ -]{0,199}/){0,6}[\w+][\w.+ -]{0,199}")


class HubName(Struct, frozen=True):
    """A repository, and one file of it or (None) what suits best."""

    repo: str
    file: str | None = None

    @property
    def text(self) -> str:
        return f"{PREFIX}{self.repo}" + (f":{self.file}" if self.file else "")

    @property
    def folder(self) -> str:
        """What it is called on disk."""
        return self.repo.replace("/", "--")


def hub_name(text: str) -> HubName | None:
    """None for what is no such name."""
    found = _NAME.fullmatch(text.strip())
    if found is None or (found["file"] and not is_file_name(found["file"])):
        return None
    return HubName(found["repo"], found["file"])


def is_file_name(text: str) -> bool:
    return _FILE.fullmatch(text) is not None
