"""A conversation's title from its first message, at once and without asking a model."""

import re
import unicodedata

from app.domain.graphemes import columns, graphemes

WIDEST = 60
LONGEST = 200
FALLBACK = "…"
READ_CHARACTERS = 4000
READ_OF_A_LINE = 500

_FENCE = re.compile(r"\s*(?:`{3,}|~{3,})[^`]*$")
_MARKS = re.compile(r"(?:\s*(?:#{1,6}|[>*+•-]|\d{1,3}[.)]|\[[ xX]\])\s+|\s*>)+")
_LINK = re.compile(r"!?\[([^\[\]]*)\]\([^()\s]*\)")
_STRONG = re.compile(r"(\*\*|__|~~|`{1,2})(?=[^\s*_~`])(.+?)(?<=\S)\1")
_EMPHASIS = re.compile(r"(?<!\w)([*_])(?=[^\s*_])([^*_]+)(?<=\S)\1(?!\w)")
# Joiners shape letters and emoji, tags are flags; other invisible characters only confuse.
_KEPT_FORMATS = re.compile("[\u200c\u200d\U000e0020-\U000e007f]")


def title_of(message: str) -> str:
    """The first line that says something, without its Markdown, at most WIDEST columns wide.

    A cut is marked by `…` and never parts a grapheme; at most LONGEST characters, never empty.
    """
    lines = message.strip()[:READ_CHARACTERS].splitlines()
    spoken = [line for line in map(_plain, lines) if line]
    best = next(filter(_says_something, spoken), spoken[0] if spoken else FALLBACK)
    return _cut(best)


def _plain(line: str) -> str:
    if _FENCE.match(line):
        return ""
    text = "".join(map(_visible, line[:READ_OF_A_LINE]))
    if found := _MARKS.match(text):
        text = text[found.end() :]
    text = _EMPHASIS.sub(r"\2", _STRONG.sub(r"\2", _LINK.sub(r"\1", text)))
    return " ".join(text.split())


def _visible(character: str) -> str:
    kind = unicodedata.category(character)
    if kind in ("Cc", "Zl", "Zp"):
        return " "
    hidden = kind == "Cs" or (kind == "Cf" and not _KEPT_FORMATS.match(character))
    return "" if hidden else character


def _says_something(text: str) -> bool:
    """Not only a rule or an ellipsis: letters, digits or pictures."""
    return any(c.isalnum() or unicodedata.category(c) == "So" for c in text)


def _cut(text: str) -> str:
    """All of it if that fits, else what fits with the mark."""
    width, room, kept = 0, WIDEST - columns(FALLBACK), ""
    for grapheme in graphemes(text):
        width += columns(grapheme)
        if width <= room and len(kept) + len(grapheme) < LONGEST:
            kept += grapheme
        elif width > WIDEST or len(kept) + len(grapheme) >= LONGEST:
            return _shortened(text, kept) + FALLBACK
    return text


def _shortened(text: str, kept: str) -> str:
    """Up to the last whole word, unless that leaves too little."""
    if text.startswith(kept + " "):
        return kept
    words = kept.rpartition(" ")[0]
    return words if len(words) * 2 > len(kept) else kept.rstrip()
