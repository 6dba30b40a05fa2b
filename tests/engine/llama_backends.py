"""The embedded weights in llama.cpp, loaded once for the tests of a file."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from app.engine.backends.llama import LlamaBackend
from app.engine.spec import EngineSpec
from app.weights import ModelSpec
from app.weights.preflight import check


def spec_of_llama(weights: ModelSpec, folder: Path, **settings: Any) -> EngineSpec:
    """On the CPU, with `settings` of an EngineSpec."""
    return EngineSpec(
        backend="llama",
        directory=str(folder),
        id=weights.id,
        path=weights.path,
        control_tokens=check(Path(weights.path)).control_tokens,
        use_gpu="false",
        **settings,
    )


@asynccontextmanager
async def attached(loaded: LlamaBackend) -> AsyncIterator[LlamaBackend]:
    """The loaded weights with a client of this test's event loop."""
    fresh = LlamaBackend(loaded._spec, loaded._server, loaded.socket, loaded.key, [])
    yield fresh
    await fresh.close()
