"""How likely GGUF weights find texts, asked of llama.cpp's own server: token by token, each of them
forced, with the probability that the model itself had for it.
"""

import asyncio
from pathlib import Path
from typing import Any

from msgspec import Struct, convert

from app.engine.backends.llama_client import LlamaClient
from app.engine.backends.llama_logprobs import Chosen, asking

# Beyond any logit: what has this bias is what greedy sampling takes.
_FORCED = 1e6


class _Answer(Struct):
    completion_probabilities: list[Chosen]


async def losses(socket: Path, key: str, windows: list[list[int]], slots: int) -> list[float]:
    """Negative log likelihood of every token but a window's first; a window in each slot.
    Raises LlamaRefused, BackendDied."""
    client = LlamaClient(socket, key)
    free = asyncio.Queue[int]()
    for slot in range(slots):
        free.put_nowait(slot)

    async def of(ids: list[int]) -> list[float]:
        slot = await free.get()
        try:
            return [await _loss(client, ids, place, slot) for place in range(1, len(ids))]
        finally:
            free.put_nowait(slot)

    try:
        found = await asyncio.gather(*map(of, windows))
    finally:
        await client.close()
    return [loss for one in found for loss in one]


async def _loss(client: LlamaClient, ids: list[int], place: int, slot: int) -> float:
    """Of the token at `place`; what is before it but one is in the slot's cache."""
    body: dict[str, Any] = {
        "prompt": ids[:place],
        "id_slot": slot,
        "cache_prompt": True,
        "n_predict": 1,
        "temperature": 0,
        "logit_bias": [[ids[place], _FORCED]],
        # An end of the text is a token like the others here.
        "ignore_eos": False,
        **asking(1),
    }
    answer = convert(await client.post("/completion", body), _Answer)
    chosen = answer.completion_probabilities[0]
    assert chosen.id == ids[place], "another token than the forced one"
    return -chosen.logprob
