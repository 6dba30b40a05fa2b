"""The supervisor, stopped at awkward moments."""

import asyncio
import gc
from pathlib import Path

import pytest
import uvloop

from app.domain.model_info import Notice
from app.engine.runtime_dir import StatusFile
from app.engine.spec import EngineSpec
from app.engine.supervisor import Say, Supervisor


async def prepare(directory: Path, say: Say) -> EngineSpec:
    say(Notice("loading_weights", {"model": "scripted"}))
    return EngineSpec(backend="scripted", directory=str(directory), id="scripted", path="")


# The engine may outlive the worker that started it, so its handle stays open on purpose.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_it_can_be_stopped_just_when_the_engine_is_ready(tmp_path: Path) -> None:
    """A cancel that came just as a wait ended was lost, and the server never stopped."""
    uvloop.run(stopped_at_once(tmp_path))
    gc.collect()


async def stopped_at_once(tmp_path: Path) -> None:
    for number in range(8):
        directory = tmp_path / str(number)
        directory.mkdir()
        supervisor = Supervisor(directory, prepare)
        supervisor.start()
        while StatusFile(directory).read().state != "ready":  # noqa: ASYNC110 - another process
            await asyncio.sleep(0)
        supervisor._look.set()
        async with asyncio.timeout(60):
            await supervisor.stop()
