"""Engines that begin to load before their supervisors are there: what is left of a server's start
is mostly imports, which take as long.
"""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from app.engine.launcher import EngineFailed, Launch, begin
from app.engine.spec import EngineSpec

_launches: dict[Path, Launch] = {}


async def give(directory: Path, prepare: Callable[..., Awaitable[EngineSpec]]) -> None:
    """Start the engine of `directory`, with a supervisor's own `prepare`."""
    try:
        _launches[directory] = await begin(await prepare(directory, _say_nothing))
    except EngineFailed:
        # Its supervisor will come to the same end, and say so.
        return


def take(directory: Path) -> Launch | None:
    """What was begun for `directory`, once."""
    return _launches.pop(directory, None)


def _say_nothing(_: Any) -> None:
    """Nobody can ask yet."""
