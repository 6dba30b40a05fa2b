"""Tokens a second at several streams, Korean and English, and how soon a server is ready and how
much memory it holds.
"""

import asyncio
import itertools
from collections.abc import Iterable

import psutil

from benchmarks.compare import texts
from benchmarks.compare.peers import SLOTS, Peer
from benchmarks.compare.stage import Stage
from benchmarks.compare.talk import Server, Talk, Turn, asked
from benchmarks.processes import engines, proportional_set_bytes, tree

RATE, DECODE = "tokens/s", "tokens/s after the first token"
READY, WORKED = "ready, s", "processor time of all processes until ready, s"
MEMORY, ENGINE = "memory of all processes, MB", "of that the engine, MB"
AS_INSTALLED = f"one worker, {SLOTS} slots"
LANGUAGE = {"ko": "Korean", "en": "English"}
_numbers = itertools.count(100)


async def streams(stage: Stage) -> None:
    """Answers to so many clients at once; slow servers are asked by the fewest and the most."""
    ends = {stage.wishes.streams[0], stage.wishes.streams[-1]}
    slow = {peer.name for peer in stage.peers if peer.slow}
    with stage.running(max(stage.wishes.streams)) as servers:
        for server in servers:  # the first answer of a process is not like the others
            await stage.attempt(server.name, Talk(server, []).say(texts.question(0), 8))
        for count, language in itertools.product(stage.wishes.streams, texts.LANGUAGES):
            for number, server in stage.rounds(servers):
                if server.name not in slow or count in ends:
                    await stage.quiet(servers)
                    work = _rate(stage, server, count, language, number)
                    await stage.attempt(server.name, work)


async def _rate(stage: Stage, server: Server, count: int, language: str, number: int) -> None:
    turns = await asyncio.gather(*(_answer(stage, server, language) for _ in range(count)))
    case = (
        f"{LANGUAGE[language]}, {count} streams" if count > 1 else f"{LANGUAGE[language]}, 1 stream"
    )
    seconds = max(turn.last_at for turn in turns) - min(turn.began for turn in turns)
    tokens = sum(turn.tokens for turn in turns)
    stage.note(RATE, case, server, number, tokens / seconds, count)
    if count == 1:
        stage.note(DECODE, case, server, number, decode_rate(turns[0]), count)


def decode_rate(turn: Turn) -> float:
    seconds = turn.last_at - turn.first_at
    return (turn.tokens - 1) / seconds if seconds > 0 else 0.0


async def _answer(stage: Stage, server: Server, language: str) -> Turn:
    """To a question that nobody has asked."""
    text = texts.ENDLESS[language].format(key=f"Q{next(_numbers)}")
    body = server.way.options | {"max_tokens": stage.wishes.answer_tokens}
    if server.way.keeps:
        return await asked(server, body | {"message": text})
    return await asked(server, body | {"messages": [{"role": "user", "content": text}]})


async def start(stage: Stage) -> None:
    """Each alone, with its files already read once; then one answer, and what it holds."""
    for number in range(-1, stage.wishes.rounds):
        turn = number % len(stage.peers)
        for peer in [*stage.peers[turn:], *stage.peers[:turn]]:
            if not peer.slow or number == 0:
                with stage.excusing(peer.name):
                    await _started(stage, peer, number)


async def _started(stage: Stage, peer: Peer, number: int) -> None:
    """Round -1 is not written down: it brings the files into memory."""
    await stage.quiet([])
    with stage.start(peer, SLOTS) as server:
        worked = sum(sum(process.cpu_times()[:2]) for process in tree(server.pid))
        await Talk(server, []).say(texts.question(0), 8)
        held = _memory(tree(server.pid))
        engine = _memory(engines(server.pid))
    if number >= 0:
        stage.note(READY, AS_INSTALLED, server, number, server.seconds)
        stage.note(WORKED, AS_INSTALLED, server, number, worked)
        stage.note(MEMORY, AS_INSTALLED, server, number, held)
        if engine:
            stage.note(ENGINE, AS_INSTALLED, server, number, engine)


def _memory(processes: Iterable[psutil.Process]) -> float:
    return sum(proportional_set_bytes(process.pid) for process in processes) / 1e6
