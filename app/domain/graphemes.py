"""What a reader takes for one character, and the columns it fills; no words, no titles.

A little coarser than UAX #29 where that costs nothing: what must not be parted never is.
"""

import unicodedata
from collections.abc import Iterator

_MODIFIERS = range(0x1F3FB, 0x1F400)  # skin tones
_FLAGS = range(0x1F1E6, 0x1F200)  # regional indicators; two are a flag
_LEADING_JAMO = (range(0x1100, 0x1160), range(0xA960, 0xA97D))
_FOLLOWING_JAMO = (range(0x1160, 0x1200), range(0xD7B0, 0xD800))
_SYLLABLES = range(0xAC00, 0xD7A4)
_VIRAMA = 9  # joins the consonants of Indic scripts


def graphemes(text: str) -> Iterator[str]:
    """`text` in pieces that may stand on different lines; joined again they are `text`."""
    start = flags = 0
    for place in range(1, len(text)):
        before, after = text[place - 1], text[place]
        flags = flags + 1 if ord(before) in _FLAGS else 0
        if not (_joined(before, after) or (flags % 2 and ord(after) in _FLAGS)):
            yield text[start:place]
            start = place
    if text:
        yield text[start:]


def columns(grapheme: str) -> int:
    """How wide a terminal shows it: 2 for Korean, Chinese, Japanese and emoji, else 1."""
    wide = any(unicodedata.east_asian_width(character) in "WF" for character in grapheme)
    return 2 if wide or "\ufe0f" in grapheme or ord(grapheme[0]) in _FLAGS else 1


def _joined(before: str, after: str) -> bool:
    kind = unicodedata.category(after)
    if kind in ("Mn", "Mc", "Me", "Cf") or ord(after) in _MODIFIERS:
        return True
    if unicodedata.category(before) == "Cf" or unicodedata.combining(before) == _VIRAMA:
        return True
    return _is_jamo(after, _FOLLOWING_JAMO) or (
        _is_jamo(before, _LEADING_JAMO) and _is_jamo(after, (*_LEADING_JAMO, _SYLLABLES))
    )


def _is_jamo(character: str, ranges: tuple[range, ...]) -> bool:
    return any(ord(character) in block for block in ranges)
