"""Chat messages as the models see them: a role, a text, and images for models that see."""

import hashlib
from typing import Literal

from msgspec import Struct

from app.domain.tools import ToolCall

Role = Literal["system", "user", "assistant"]
# A tool's result is said by the tool; conversations that are kept have none.
Speaker = Literal["system", "user", "assistant", "tool"]


class Picture(Struct, frozen=True):
    """An image of a message, as this server keeps it: decoded, upright, RGB, without metadata.

    `file` is the absolute path of a PNG in the server's own data folder, readable by the engine
    process; `sha256` is of the PNG's pixels (width and height, then RGB bytes), so that equal
    pictures have one name whatever file they came in. Three texts are for
    models whose chat templates take them (API.md, v5); `owner` is the tenant whose image it is.
    """

    file: str
    sha256: str
    width: int
    height: int
    filename: str = ""
    media_type: str = "image/png"
    ocr: str = ""
    lens_keywords: str = ""
    lens_local_keywords: str = ""
    owner: str = "local"

    @property
    def key(self) -> str:
        """The name of what an engine keeps of it. Each tenant has its own: how soon an answer
        comes must not tell anybody what others have sent."""
        return f"{self.sha256}-{hashlib.sha256(self.owner.encode()).hexdigest()[:16]}"


class Message(Struct, frozen=True, omit_defaults=True):
    """One turn's half: who speaks, and the words (UTF-8 text without NUL); before them the
    pictures that a user's message brings, after them the calls that an assistant's makes. A
    tool's message answers the call `answers`."""

    role: Speaker
    content: str
    images: tuple[Picture, ...] = ()
    calls: tuple[ToolCall, ...] = ()
    answers: str = ""
