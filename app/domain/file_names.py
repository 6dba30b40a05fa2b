"""File names made of titles, for any operating system; nothing of paths or HTTP."""

import re
import unicodedata

from app.domain.graphemes import graphemes

LONGEST_BYTES = 120
FALLBACK = "conversation"
_FORBIDDEN = re.compile(r'[\\/:*?"<>|%]')
_RESERVED = re.compile(r"(?:con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(?:\..*)?", re.IGNORECASE)
_HIDDEN = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")


def file_stem(title: str) -> str:
    """`title` as a name without its ending, at most LONGEST_BYTES of UTF-8, never empty."""
    shown = "".join(" " if unicodedata.category(c) in _HIDDEN else c for c in title)
    name = " ".join(_FORBIDDEN.sub(" ", shown).split())
    stem = ""
    for grapheme in graphemes(name):
        if len((stem + grapheme).encode()) > LONGEST_BYTES:
            break
        stem += grapheme
    stem = stem.strip(" .-~")
    return FALLBACK if not stem or _RESERVED.fullmatch(stem) else stem


def ascii_stem(title: str) -> str:
    """The same in ASCII, of letters, digits, `-`, `_` and `.`, for clients that know no more."""
    plain = unicodedata.normalize("NFKD", file_stem(title)).encode("ascii", "ignore").decode()
    stem = re.sub(r"[^A-Za-z0-9._-]+", "-", plain).strip("-._")
    return FALLBACK if not stem or _RESERVED.fullmatch(stem) else stem
