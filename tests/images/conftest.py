"""A decoder of its own for each test."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from app.images.decoder import Decoder

MOST_PIXELS = 24_000_000


@pytest_asyncio.fixture
async def decoder(tmp_path: Path) -> AsyncIterator[Decoder]:
    made = Decoder(tmp_path, MOST_PIXELS)
    yield made
    await made.close()
