"""How long list, get, search and append take in a database of a given size, on SQLite and on
PostgreSQL: `python -m benchmarks.conversations --conversations 1000 --messages 10000`.

Milliseconds of the functions that routes call, one after the other, in one process; `cpu p99` is
processor time of this process alone, `others` the cores that other programs used meanwhile.
Filling takes a minute for 100,000 messages; `--keep FOLDER` keeps the SQLite file there and takes
it again.
"""

import argparse
import asyncio
import os
import random
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import select

from app.database import Database, answers, branches, conversations, open_database, questions
from app.database.records import Answer, ConversationQuery, Question
from app.database.tables import conversations as rows
from benchmarks.conversations_fill import Words, fill, tree
from benchmarks.processes import end_in_order
from benchmarks.quiet import Neighbours, wait_until_quiet
from tests.database import postgresql

OWNER = "local"
ROW = "{:42}" + "{:>9}" * 6
LIST_IN_PAGES = 20

Operation = Callable[[], Awaitable[object]]


@dataclass
class Store:
    """A filled database, and what is known of it."""

    database: Database
    words: Words
    chance: random.Random
    ids: list[str]

    def find(self, **query: object) -> Awaitable[object]:
        asked = ConversationQuery(**query)  # type: ignore[arg-type]
        return conversations.find(self.database, OWNER, asked)

    def search(self, ranks: range, korean: bool, shortest: int, longest: int) -> Operation:
        """For a word of these ranks and this length."""
        fitting = [
            self.words.all[n]
            for n in ranks
            if n % 2 == korean and shortest <= len(self.words.all[n]) <= longest
        ]
        return lambda: self.find(search=self.chance.choice(fitting))

    async def append(self) -> None:
        question = Question(self.words.text(40), self.chance.choice(self.ids))
        turn = await questions.ask(self.database, OWNER, question)
        answer = Answer(self.words.text(80))
        await answers.settle(self.database, OWNER, turn.answer.id, answer)


def operations(store: Store) -> dict[str, Operation]:
    """Ranks: the first words are in nearly every message, those from 8 on in half of them."""
    common, usual, rare = range(8, 14), range(20, 3_000), range(10_000, 20_000)
    pages = max(1, len(store.ids) // LIST_IN_PAGES)
    return {
        "nothing": store.database.ping,
        "list, first page": store.find,
        "list, any page": lambda: store.find(page=store.chance.randint(1, pages)),
        "get": lambda: branches.get_messages(store.database, OWNER, store.chance.choice(store.ids)),
        "search, Korean, in half of the messages": store.search(common, True, 2, 9),
        "search, English, in half of the messages": store.search(common, False, 2, 9),
        "search, Korean, two characters, frequent": store.search(usual, True, 2, 2),
        "search, Korean, two characters, rare": store.search(rare, True, 2, 2),
        "search, Korean, longer": store.search(usual, True, 3, 9),
        "search, English, frequent": store.search(usual, False, 2, 10),
        "search, English, rare": store.search(rare, False, 4, 10),
        "search, a word as often as it is written": lambda: store.find(search=store.words.text(1)),
        "search, two words": lambda: store.find(search=store.words.text(2)),
        "search, the commonest word": lambda: store.find(search=store.words.all[0]),
        "append a turn (two transactions)": store.append,
    }


async def measure(operation: Operation, times: int) -> tuple[list[float], list[float]]:
    """What each time took, and how much of it this process's threads were at work, in ms."""
    took, worked = [], []
    for _ in range(times):
        before, cpu = time.perf_counter(), time.process_time()
        await operation()
        took.append((time.perf_counter() - before) * 1000)
        worked.append((time.process_time() - cpu) * 1000)
    return took, worked


async def filled(database: Database, options: argparse.Namespace) -> Store:
    """With what is missing; takes the conversations that are there already."""
    chance = random.Random(7)
    words = Words(chance)
    there = select(rows.c.id).where(rows.c.owner == OWNER)
    async with database.read() as connection:
        ids = list((await connection.execute(there)).scalars())
    before = time.perf_counter()
    size = max(1, options.messages // options.conversations)
    missing = range(len(ids), options.conversations)
    ids += await fill(database, OWNER, (tree(words, chance, n, size) for n in missing))
    print(f"\n{database.kind}: filled in {time.perf_counter() - before:.0f} s", flush=True)
    return Store(database, words, chance, ids)


async def run(url: str, options: argparse.Namespace, *pids: int) -> None:
    database = await open_database(url, Path())
    neighbours = Neighbours([os.getpid(), *pids])
    try:
        store = await filled(database, options)
        print(ROW.format("ms", "p50", "p90", "p99", "max", "cpu p99", "others"))
        for name, operation in operations(store).items():
            await asyncio.to_thread(wait_until_quiet, neighbours, options.patience)
            neighbours.restart()
            took, worked = await measure(operation, options.times)
            p50, p90, p99 = (statistics.quantiles(took, n=100)[n] for n in (49, 89, 98))
            cpu = statistics.quantiles(worked, n=100)[98]
            figures = (p50, p90, p99, max(took), cpu, neighbours.cores())
            print(ROW.format(name, *(f"{figure:.1f}" for figure in figures)), flush=True)
    finally:
        await database.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--conversations", type=int, default=1_000)
    parser.add_argument("--messages", type=int, default=10_000, help="in all of them together")
    parser.add_argument("--times", type=int, default=200, help="how often each is measured")
    parser.add_argument("--patience", type=float, default=20, help="seconds to wait for quiet")
    parser.add_argument("--only", choices=["sqlite", "postgresql"])
    parser.add_argument("--keep", type=Path, help="folder for the SQLite file")
    options = parser.parse_args()
    end_in_order()
    print(f"{options.conversations:,} conversations, {options.messages:,} messages")
    if options.only != "postgresql":
        with tempfile.TemporaryDirectory() as temporary:
            path = (options.keep or Path(temporary)).resolve() / "sllm.db"
            asyncio.run(run(f"sqlite:///{path}", options))
            print(f"size on disk: {path.stat().st_size / 1e6:.0f} MB")
    programs = postgresql.binaries()
    if programs is not None and options.only != "sqlite":
        with postgresql.running(programs) as server:
            asyncio.run(run(server.fresh(), options, server.pid()))


if __name__ == "__main__":
    main()
