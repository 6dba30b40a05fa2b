"""Made-up conversations in any number, written in bulk by the functions that import uses.

Letters and syllables are as unevenly spread as in English and Korean, and so are words.
"""

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import accumulate, islice

from app.database import Database, transfer
from app.database.records import Conversation, Status, StoredMessage, Tree
from app.domain.messages import Role

FIRST = datetime(2026, 1, 1, tzinfo=UTC)
# By how often English texts have them.
LETTERS = "etaoinshrdlcumwfgypbvkjxqz"
LETTER_WEIGHTS = (127, 91, 82, 75, 70, 67, 63, 61, 60, 43, 40, 28, 28, 24, 24, 22, 20, 20, 19, 15,
                  10, 8, 2, 2, 1, 1)  # fmt: skip
# Of the 11,172 that can be written, Korean texts use about this many.
SYLLABLES = [chr(0xAC00 + 9 * n) for n in range(1200)]
SYLLABLE_WEIGHTS = [1 / (n + 8) for n in range(len(SYLLABLES))]
VOCABULARY = 20_000
CONVERSATIONS_AT_ONCE = 100
COMPLETE: Status = "complete"


class Words:
    """A vocabulary whose n-th word is n times as rare as the first, as in real texts; Korean and
    English words take turns."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self.all = [self._korean() if n % 2 else self._english() for n in range(VOCABULARY)]
        self._weights = list(accumulate(1 / (n + 1) for n in range(VOCABULARY)))

    def _korean(self) -> str:
        length = self._chance.choice((2, 2, 3, 3, 4, 5))
        return "".join(self._chance.choices(SYLLABLES, SYLLABLE_WEIGHTS, k=length))

    def _english(self) -> str:
        length = self._chance.choice((2, 3, 4, 5, 6, 7, 8, 10))
        return "".join(self._chance.choices(LETTERS, LETTER_WEIGHTS, k=length))

    def text(self, words: int) -> str:
        return " ".join(self._chance.choices(self.all, cum_weights=self._weights, k=words))


def tree(words: Words, chance: random.Random, number: int, size: int) -> Tree:
    moment = FIRST + timedelta(seconds=number)
    roles: tuple[Role, Role] = ("user", "assistant")
    messages = tuple(
        StoredMessage(
            str(at), str(at - 1) if at else None, roles[at % 2],
            words.text(chance.randint(5, 120)), COMPLETE, moment, at + 1,
        )
        for at in range(size)
    )  # fmt: skip
    title = words.text(4)
    return Tree(Conversation("", title, {}, None, moment, moment, None, size), messages)


async def fill(database: Database, owner: str, trees: Iterator[Tree]) -> list[str]:
    """Store them, many in a transaction; the new conversations' ids."""
    ids: list[str] = []
    while some := list(islice(trees, CONVERSATIONS_AT_ONCE)):
        async with database.write() as connection:
            ids += [await transfer.store(connection, owner, each) for each in some]
    return ids
