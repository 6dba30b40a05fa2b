"""A conversation's title from its first message, at once and without asking a model."""

import re
import unicodedata

WIDEST = 60
MARKS = re.compile(r"^(?:[#>*+\-\s]+|\d+[.)]\s+|`{3,}\S*\s*)+")
INLINE = re.compile(r"[*_`~]{1,3}(\S(?:.*?\S)?)[*_`~]{1,3}")


def title_of(message: str) -> str:
    """The first line that says something, without its Markdown, at most WIDEST columns wide."""
    lines = (_plain(line) for line in message[:4000].splitlines())
    return _cut(next((line for line in lines if line), "…"))


def _plain(line: str) -> str:
    visible = "".join(" " if unicodedata.category(c) in ("Cc", "Zl", "Zp") else c for c in line)
    text = INLINE.sub(r"\1", MARKS.sub("", visible))
    return " ".join(text.split())


def _cut(text: str) -> str:
    width = 0
    for place, character in enumerate(text):
        width += _columns(character)
        if width > WIDEST:
            return _shortened(text[:place])
    return text


def _shortened(text: str) -> str:
    """Up to the last word that is whole, unless that leaves too little."""
    words = text.rpartition(" ")[0]
    return (words if len(words) * 2 > len(text) else text).rstrip() + "…"


def _columns(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1
