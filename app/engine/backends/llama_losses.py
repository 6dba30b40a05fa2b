"""How likely GGUF weights find texts, asked of llama.cpp's own server: token by token, each looked
up among the likeliest that the model itself named in its place.
"""

import asyncio
from pathlib import Path
from typing import Any, Final

from msgspec import Struct, convert

from app.engine.backends.llama_client import LlamaClient
from app.engine.backends.llama_logprobs import Chosen, asking

# Beyond any logit: what has this bias is what greedy sampling takes.
_FORCED: Final = 1e6
# Most tokens of a text are among so many; for the others all are asked for, which takes longer.
_LIKELIEST: Final = 512
# Of all vocabularies that there are.
_EVERYTHING: Final = 1 << 20


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
            return [await _loss(client, ids, place, slot, letter) for place in range(1, len(ids))]
        finally:
            free.put_nowait(slot)

    try:
        letter = (await client.tokenize("a", parse_special=False))[-1]
        found = await asyncio.gather(*map(of, windows))
    finally:
        await client.close()
    return [loss for one in found for loss in one]


async def _loss(client: LlamaClient, ids: list[int], place: int, slot: int, letter: int) -> float:
    """Of the token at `place`; what is before it but one is in the slot's cache."""
    for count in (_LIKELIEST, _EVERYTHING):
        body: dict[str, Any] = {
            "prompt": ids[:place],
            "id_slot": slot,
            "cache_prompt": True,
            "n_predict": 1,
            "temperature": 0,
            # Nothing is told of an answer that ends within a character: let it be a whole one.
            "logit_bias": [[letter, _FORCED]],
            **asking(count),
        }
        answer = convert(await client.post("/completion", body), _Answer)
        likeliest = answer.completion_probabilities[0].top_logprobs
        found = next((each.logprob for each in likeliest if each.id == ids[place]), None)
        if found is not None:
            return -found
    raise AssertionError("a token that the weights do not have")
