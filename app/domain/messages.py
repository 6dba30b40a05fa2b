"""Chat messages as the models see them: a role and a text."""

from typing import Literal

from msgspec import Struct

Role = Literal["system", "user", "assistant"]


class Message(Struct, frozen=True):
    """One turn's half: who speaks, and the words (UTF-8 text without NUL)."""

    role: Role
    content: str
