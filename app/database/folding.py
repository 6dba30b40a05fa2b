"""How texts are compared in a search, and the tokens that both databases index for it.

Words of alphabets (Latin, Greek, Cyrillic) and numbers are found by how they begin, all other
scripts wherever a term stands: why, and what a token is, in docs/decisions/0010.
"""

import re
import unicodedata
from collections.abc import Iterator
from hashlib import blake2b
from itertools import pairwise

# More of a text is not searched: indexing it would hold up other writers.
SEARCHED_CHARACTERS = 100_000
MAX_TERMS = 8
# Of a word; what goes beyond is taken for equal.
MAX_UNIT = 64
# Private characters. SQLite's tokenizer cuts at ASCII punctuation; as these it can be searched.
JOINT, HINT, BREAK = "\ue000", "\ue080", "\ue081"
PRIVATE = {code: 0xE000 + code for code in range(1, 128) if not chr(code).isalnum()}
del PRIVATE[ord(" ")]
# Before casefolding: where a word inside a word begins, as in getUserName and HTTPServer.
INNER_START = re.compile("(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
# Letters, digits and combining marks of alphabets; every other character is a unit of its own.
ALPHABETIC = f"0-9a-z\u00aa\u00b5\u00ba\u00c0-\u058f\u1d00-\u1fff{HINT}"
UNIT = re.compile(f"[{ALPHABETIC}]+|.", re.DOTALL)
RUN = re.compile(f"[{ALPHABETIC}]")


def fold(text: str) -> str:
    """`text` for comparing: NFC, case-folded, single spaces, punctuation as private characters,
    HINT where a word begins inside another."""
    composed = unicodedata.normalize("NFC", text[:SEARCHED_CHARACTERS])
    folded = unicodedata.normalize("NFC", INNER_START.sub(HINT, composed).casefold())
    return " ".join(folded.split()).translate(PRIVATE)


def units(word: str) -> list[str]:
    """What a folded word is made of: alphabetic runs, and single characters of other scripts."""
    return UNIT.findall(word)


def plain(unit: str) -> str:
    return unit.replace(HINT, "")[:MAX_UNIT]


def terms_of(search: str) -> list[list[str]]:
    """The words of a search, each as its units; all of them must be found in the same text."""
    words = fold(search).replace(HINT, "").split()
    return [list(map(plain, units(word))) for word in dict.fromkeys(words)][:MAX_TERMS]


def owner_mark(owner: str) -> str:
    """What each token of an owner begins with, so that an index lookup meets nobody else's."""
    return blake2b(owner.encode(), digest_size=5).hexdigest()


def is_run(unit: str) -> bool:
    return RUN.match(unit) is not None


def pairs(term: list[str]) -> list[str]:
    """Each unit with its successor."""
    return [f"{first}{JOINT}{second}" for first, second in pairwise(term)]


def starts(unit: str) -> Iterator[str]:
    """What finds a unit by itself: a character, or all beginnings of a run and its inner words."""
    if not is_run(unit):
        yield unit
        return
    parts = [part for part in unit[: 4 * MAX_UNIT].split(HINT) if part]
    for first in range(len(parts)):
        whole = "".join(parts[first:])[:MAX_UNIT]
        yield from (whole[:end] for end in range(1, len(whole) + 1))


def tokens(folded: str) -> tuple[list[str], list[str]]:
    """Of a whole text: the pairs in order, where no two words' look like one word's, and the
    starts, each once."""
    followed: list[str] = []
    found: dict[str, None] = {}
    for word in folded.split(" "):
        parts = units(word)
        for part in parts:
            found.update(dict.fromkeys(starts(part)))
        of_word = pairs(list(map(plain, parts)))
        if of_word and followed and followed[-1] != BREAK:
            followed.append(BREAK)
        followed += of_word
    return followed, list(found)


def spelled(term: list[str]) -> str:
    """Units, each after a JOINT: where the units follow each other, so do these texts."""
    return "".join(JOINT + unit for unit in term)
