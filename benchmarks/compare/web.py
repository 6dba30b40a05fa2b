"""What our web layer costs: /health by itself, and its share of tokens a second at 8 streams."""

import argparse
import asyncio
import time

import psutil

from benchmarks import overhead
from benchmarks.client import BenchmarkError
from benchmarks.compare.stage import Stage
from benchmarks.compare.talk import Server
from benchmarks.sampling import Sample

HEALTH, SHARE = "/health, requests/s a core", "web layer, % of tokens/s"
ASKERS, SECONDS, STREAMS, MAX_TOKENS = 8, 2.0, 8, 96
REQUEST = b"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
LENGTH = b"content-length:"


async def web(stage: Stage) -> None:
    """Ours alone, on GGUF; then ours beside llama-server with the same settings."""
    with stage.running(STREAMS, [peer for peer in stage.peers if peer.ours][:1]) as servers:
        for number in range(stage.wishes.rounds):
            await stage.quiet(servers)
            rate = await health_rate(servers[0], SECONDS)
            stage.note(HEALTH, f"{ASKERS} connections", servers[0], number, rate)
        ours = servers[0]
    for number, outcome in enumerate(await asyncio.to_thread(_beside_llama_server, stage)):
        theirs = next(taken for name, taken in outcome.items() if name != "ours")
        share = 100 * (1 - outcome["ours"].tokens_per_second / theirs.tokens_per_second)
        stage.note(SHARE, f"{STREAMS} streams", ours, number, share, STREAMS)


def _beside_llama_server(stage: Stage) -> list[dict[str, Sample]]:
    """Rounds of `benchmarks.overhead`; it has an event loop of its own."""
    options = argparse.Namespace(
        rounds=stage.wishes.rounds,
        streams=[STREAMS],
        max_tokens=MAX_TOKENS,
        patience=stage.wishes.patience,
    )
    with overhead.contenders(stage.gguf) as running:
        return overhead.measure(running[:2], options)[STREAMS]


async def health_rate(server: Server, seconds: float) -> float:
    """Requests for each second of processor time that the process which answers HTTP used: the
    same on a busy machine."""
    process = psutil.Process(server.pid)
    before = process.cpu_times()
    end = time.perf_counter() + seconds
    asked = sum(await asyncio.gather(*(_ask_until(server.port, end) for _ in range(ASKERS))))
    after = process.cpu_times()
    return asked / (after.user + after.system - before.user - before.system)


async def _ask_until(port: int, end: float) -> int:
    """How many answers one connection got. Raises BenchmarkError."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    asked = 0
    try:
        while time.perf_counter() < end:
            writer.write(REQUEST)
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
            if not head.startswith(b"http/1.1 200") or LENGTH not in head:
                raise BenchmarkError(head.decode(errors="replace"))
            await reader.readexactly(int(head.partition(LENGTH)[2].split(b"\r\n")[0]))
            asked += 1
    finally:
        writer.close()
    return asked
