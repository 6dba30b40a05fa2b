"""`database` is an empty one of each kind; `url` is what it was opened with."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from app.database import Database, open_database
from tests.database import postgresql


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/data/sllm.db"
    server: postgresql.Postgresql = request.getfixturevalue("postgresql_server")
    return server.fresh()


@pytest.fixture
async def database(url: str, tmp_path: Path) -> AsyncIterator[Database]:
    opened = await open_database(url, tmp_path)
    yield opened
    await opened.close()
