"""What every scenario stands on: the servers that run, whose turn it is, and the book of values."""

import asyncio
import contextlib
import shutil
import sys
from collections.abc import Awaitable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from benchmarks.client import BenchmarkError
from benchmarks.compare.peers import Peer
from benchmarks.compare.talk import Server, count_tokens
from benchmarks.compare.texts import Messages, exchanges_for, question
from benchmarks.compare.values import Absence, Results, Value
from benchmarks.quiet import Neighbours, wait_until_quiet

T = TypeVar("T")
# The first round; values of what is done before the rounds are written there too.
FIRST = 0


@dataclass(frozen=True)
class Wishes:
    """How much is measured. Lengths in tokens."""

    rounds: int = 3
    patience: float = 20.0
    lengths: tuple[int, ...] = (250, 750, 1500)
    streams: tuple[int, ...] = (1, 2, 4, 8)
    conversations: int = 32
    turn_tokens: int = 200
    answer_tokens: int = 32


@dataclass
class Stage:
    """One run. `folder` holds a data folder for each peer."""

    gguf: str
    peers: list[Peer]
    folder: Path
    wishes: Wishes
    results: Results
    scenario: str = ""
    _exchanges: dict[int, int] = field(default_factory=dict)

    def note(
        self, figure: str, case: str, server: Server, number: int, value: float, at: float = 0.0
    ) -> None:
        values = self.results.values
        values.append(Value(self.scenario, figure, case, server.name, number, value, at))

    def data_folder(self, peer: Peer, *, fresh: bool = False) -> Path:
        folder = self.folder / "".join(filter(str.isalnum, peer.name))
        if fresh:
            shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(exist_ok=True)
        return folder

    @contextlib.contextmanager
    def start(self, peer: Peer, slots: int, *, fresh: bool = False) -> Iterator[Server]:
        with peer.start(self.data_folder(peer, fresh=fresh), slots) as server:
            yield server

    @contextlib.contextmanager
    def running(self, slots: int, peers: Iterable[Peer] | None = None) -> Iterator[list[Server]]:
        """All of them at once, on data folders with nothing in them. Who does not start is
        missing, with the reason in the book."""
        with contextlib.ExitStack() as stack:
            servers = []
            for peer in self.peers if peers is None else peers:
                with self.excusing(peer.name):
                    servers.append(stack.enter_context(self.start(peer, slots, fresh=True)))
            yield servers

    @contextlib.contextmanager
    def excusing(self, name: str) -> Iterator[None]:
        """A peer that fails is written down as missing here; ours may not fail."""
        try:
            yield
        except (BenchmarkError, TimeoutError, OSError) as error:
            if name.startswith("ours"):
                raise
            reason = " ".join(str(error).split())[-300:] or type(error).__name__
            told = {(each.name, each.scenario) for each in self.results.absent}
            if (name, self.scenario) not in told:  # the first failure is the reason of the others
                self.results.absent.append(Absence(name, reason, self.scenario))
            print(f"{self.scenario}: {name} fails: {reason}", file=sys.stderr)

    async def attempt(self, name: str, work: Awaitable[T]) -> T | None:
        """What `work` gives, unless this peer fails at it."""
        gained: list[T] = []
        with self.excusing(name):
            gained.append(await work)
        return gained[0] if gained else None

    def rounds(self, servers: list[Server]) -> Iterator[tuple[int, Server]]:
        """Round and server, the order changing; slow ones are in the first round only."""
        slow = {peer.name for peer in self.peers if peer.slow}
        for number in range(self.wishes.rounds):
            turn = number % len(servers)
            for server in [*servers[turn:], *servers[:turn]]:
                if number == FIRST or server.name not in slow:
                    yield number, server

    async def quiet(self, servers: Iterable[Server]) -> None:
        """Wait, within bounds, until nobody else uses the machine; write down what was seen."""
        neighbours = Neighbours([server.pid for server in servers])
        await asyncio.to_thread(wait_until_quiet, neighbours, self.wishes.patience)
        self.results.neighbour_cores.append(round(neighbours.cores(), 3))

    async def exchanges(self, tokens: int, server: Server) -> int:
        """How many exchanges make so many tokens, counted by ours once."""
        if tokens not in self._exchanges:

            async def count(messages: Messages) -> int:
                asked = {"role": "user", "content": question(0)}
                return await count_tokens(server.port, [*messages, asked])

            self._exchanges[tokens] = await exchanges_for(tokens, count)
        return self._exchanges[tokens]
