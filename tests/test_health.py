"""`/health` asked often: nothing is told that is no longer so."""

import asyncio
from pathlib import Path

import httpx
import pytest
from msgspec.structs import replace

from app.database import open_database
from app.health import Reports, ServerFacts
from app.provider.model_provider import ModelHealth
from app.storage import DatabaseStatus, DatabaseWatch
from tests.support import Server, running

FACTS = ServerFacts(
    status="ok",
    uptime_seconds=1.0,
    text=ModelHealth("ready", "small", limit=8),
    vision=ModelHealth("not_configured"),
    database="ok",
    database_kind="sqlite",
    reached_beyond=False,
)
OTHERS = [
    {"status": "draining"},
    {"uptime_seconds": 1.1},
    {"text": ModelHealth("ready", "small", busy=1, limit=8)},
    {"vision": ModelHealth("loading")},
    {"database": "unavailable"},
    {"reached_beyond": True},
]


@pytest.mark.parametrize("change", OTHERS, ids=lambda change: next(iter(change)))
def test_another_fact_is_another_body(change: dict[str, object]) -> None:
    reports = Reports()
    before = reports.of(FACTS, "en")
    assert reports.of(replace(FACTS, **change), "en") != before
    assert reports.of(FACTS, "en") == before


def test_a_body_is_kept_for_each_language() -> None:
    reports, warned = Reports(), replace(FACTS, reached_beyond=True)
    assert reports.of(warned, "en") != reports.of(warned, "ko")
    assert reports.of(warned, "en") is reports.of(replace(warned), "en")


def test_a_dead_engine_shows_however_often_health_was_asked(tmp_path: Path) -> None:
    with running(tmp_path, {"SLLM_MODEL_PATH": "scripted"}) as server:
        assert {asked(server).status_code for _ in range(50)} == {200}
        (engine,) = server.engines()
        engine.kill()
        server.wait_until(lambda: asked(server).status_code == 503)
        server.wait_for("ok")


def asked(server: Server) -> httpx.Response:
    return server.http.get("/health")


async def test_a_database_that_goes_shows_and_one_that_comes_back_too(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    database = await open_database(None, folder)
    watch = DatabaseWatch(database)
    assert await watch.status() == "ok"
    await database.close()
    folder.rename(tmp_path / "away")
    await until(watch, "unavailable")
    (tmp_path / "away").rename(folder)
    await until(watch, "ok")
    await database.close()


async def test_a_full_disk_shows_between_two_looks(tmp_path: Path) -> None:
    database = await open_database(None, tmp_path)
    watch = DatabaseWatch(database)
    assert await watch.status() == "ok"
    database.full = True
    assert await watch.status() == "storage_full"
    await database.close()


async def until(watch: DatabaseWatch, status: DatabaseStatus) -> None:
    async with asyncio.timeout(30):
        while await watch.status() != status:  # noqa: ASYNC110 - a database tells nobody
            await asyncio.sleep(0.02)
