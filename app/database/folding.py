"""How texts are compared in a search: case-folded words, cut into pairs of characters.

A term is found wherever it stands inside a word, in any script; Korean words of two characters
are one pair. Both databases index what these functions return, so both find the same.
"""

import unicodedata
from hashlib import blake2b

# More of a text is not searched: indexing it would hold up other writers.
SEARCHED_CHARACTERS = 100_000
MAX_TERMS = 8
END = "\ue000"
# SQLite's tokenizer cuts at ASCII punctuation; as private characters it can be searched too.
PRIVATE = {code: 0xE000 + code for code in range(1, 128) if not chr(code).isalnum()}
del PRIVATE[ord(" ")]


def fold(text: str) -> str:
    """`text` for comparing: NFC, case-folded, single spaces, punctuation as private characters."""
    composed = unicodedata.normalize("NFC", text[:SEARCHED_CHARACTERS])
    folded = unicodedata.normalize("NFC", composed.casefold())
    return " ".join(folded.split()).translate(PRIVATE)


def terms_of(search: str) -> list[str]:
    """The words of a search, folded; every one of them must be found in the same text."""
    return list(dict.fromkeys(fold(search).split()))[:MAX_TERMS]


def owner_mark(owner: str) -> str:
    """What each gram of an owner begins with, so that an index lookup meets nobody else's."""
    return blake2b(owner.encode(), digest_size=5).hexdigest()


def grams(word: str) -> list[str]:
    """Each character of `word` with its successor."""
    return [word[at : at + 2] for at in range(len(word) - 1)]


def document_grams(folded: str) -> list[str]:
    """The pairs of all words in order; the last character of a word is paired with END."""
    return [gram for word in folded.split(" ") if word for gram in grams(word + END)]
