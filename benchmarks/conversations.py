"""How long list, get, search and append take in a database of a given size, on SQLite and on
PostgreSQL: `python -m benchmarks.conversations --conversations 1000 --messages 10000`.

Milliseconds of the functions that routes call, one after the other, in one process.
"""

import argparse
import asyncio
import random
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from pathlib import Path

from app.database import (
    Database,
    answers,
    branches,
    conversations,
    open_database,
    questions,
    transfer,
)
from app.database.records import (
    Answer,
    Conversation,
    ConversationQuery,
    Question,
    Status,
    StoredMessage,
    Tree,
)
from app.domain.messages import Role
from tests.database import postgresql

OWNER = "local"
FIRST = datetime(2026, 1, 1, tzinfo=UTC)
KOREAN = "가나다라마바사아자차카타파하거너더러머버서어저처커터퍼허고노도로모보소오조초코토포호"
LATIN = "abcdefghijklmnopqrstuvwxyz"
COMPLETE: Status = "complete"

Operation = Callable[[], Awaitable[object]]


class Words:
    """A vocabulary whose n-th word is n times as rare as the first, as in real texts."""

    def __init__(self, chance: random.Random, size: int = 20_000) -> None:
        self._chance = chance
        alphabets = (KOREAN, LATIN)
        self.all = [
            "".join(chance.choices(alphabets[n % 2], k=chance.choice((2, 3, 4, 6))))
            for n in range(size)
        ]
        self._weights = list(accumulate(1 / (n + 1) for n in range(size)))

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


async def fill(
    database: Database, chance: random.Random, words: Words, count: int, messages: int
) -> list[str]:
    return [
        await transfer.import_one(
            database, OWNER, tree(words, chance, number, max(1, messages // count))
        )
        for number in range(count)
    ]


async def measure(operation: Operation, times: int) -> list[float]:
    took = []
    for _ in range(times):
        before = time.perf_counter()
        await operation()
        took.append((time.perf_counter() - before) * 1000)
    return took


def operations(
    database: Database, chance: random.Random, words: Words, ids: list[str]
) -> dict[str, Operation]:
    pages = max(1, len(ids) // 20)

    def find(**query: object) -> Awaitable[object]:
        asked = ConversationQuery(**query)  # type: ignore[arg-type]
        return conversations.find(database, OWNER, asked)

    async def append() -> None:
        question = Question(words.text(40), chance.choice(ids))
        turn = await questions.ask(database, OWNER, question)
        await answers.settle(database, OWNER, turn.answer.id, Answer(words.text(80)))

    return {
        "list, first page": find,
        "list, any page": lambda: find(page=chance.randint(1, pages)),
        "get": lambda: branches.get_messages(database, OWNER, chance.choice(ids)),
        "search, a word of any rank": lambda: find(search=chance.choice(words.all)),
        "search, a word as often as it is written": lambda: find(search=words.text(1)),
        "search, two words": lambda: find(search=words.text(2)),
        "search, the commonest word": lambda: find(search=words.all[0]),
        "append a turn (two transactions)": append,
    }


async def run(url: str, options: argparse.Namespace) -> None:
    chance = random.Random(7)
    words = Words(chance)
    with tempfile.TemporaryDirectory() as folder:
        database = await open_database(url or f"sqlite:///{folder}/sllm.db", Path(folder))
        before = time.perf_counter()
        ids = await fill(database, chance, words, options.conversations, options.messages)
        print(f"\n{database.kind}: filled in {time.perf_counter() - before:.0f} s", flush=True)
        print(f"{'ms':42}{'p50':>8}{'p99':>8}{'max':>8}")
        for name, operation in operations(database, chance, words, ids).items():
            took = await measure(operation, options.times)
            p99 = statistics.quantiles(took, n=100)[98]
            figures = (statistics.median(took), p99, max(took))
            print(f"{name:42}" + "".join(f"{figure:8.1f}" for figure in figures), flush=True)
        await database.close()
        if database.kind == "sqlite":
            print(f"size on disk: {(Path(folder) / 'sllm.db').stat().st_size / 1e6:.0f} MB")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--conversations", type=int, default=1_000)
    parser.add_argument("--messages", type=int, default=10_000, help="in all of them together")
    parser.add_argument("--times", type=int, default=200, help="how often each is measured")
    parser.add_argument("--only", choices=["sqlite", "postgresql"])
    options = parser.parse_args()
    print(f"{options.conversations:,} conversations, {options.messages:,} messages")
    if options.only != "postgresql":
        asyncio.run(run("", options))
    programs = postgresql.binaries()
    if programs is not None and options.only != "sqlite":
        with postgresql.running(programs) as server:
            asyncio.run(run(server.fresh(), options))


if __name__ == "__main__":
    main()
