"""The helper processes: how they end, and what becomes of whoever waits for them."""

import asyncio
import os
import signal
from pathlib import Path

import psutil
import pytest

from app.domain.errors import SllmError
from app.images import decoder as module
from app.images.decoder import Decoder
from tests.images import samples

MIB = 1024 * 1024


def helpers() -> list[psutil.Process]:
    own = psutil.Process().children()
    return [child for child in own if "app.images.helper" in child.cmdline()]


async def test_nothing_runs_until_there_is_an_image(decoder: Decoder) -> None:
    assert helpers() == []
    await decoder.decode(samples.plain())
    assert len(helpers()) == 1


async def test_a_helper_that_was_killed_is_replaced_unseen(decoder: Decoder) -> None:
    await decoder.decode(samples.plain())
    [old] = helpers()
    old.kill()
    assert (await decoder.decode(samples.plain())).width == 40
    assert [helper.pid for helper in helpers()] != [old.pid]


async def test_one_that_hangs_is_killed_and_the_next_image_works(tmp_path: Path) -> None:
    decoder = Decoder(tmp_path, 1_000_000, seconds=0.5)
    patient = Decoder(tmp_path, 1_000_000)
    await patient.decode(samples.plain())
    decoder._idle = patient._idle
    [helper] = helpers()
    os.kill(helper.pid, signal.SIGSTOP)
    with pytest.raises(SllmError) as caught:
        await decoder.decode(samples.plain())
    assert caught.value.code == "invalid_image"
    assert helpers() == []
    assert (await patient.decode(samples.plain())).width == 40
    await patient.close()


async def test_whoever_leaves_takes_the_helper_along(decoder: Decoder, tmp_path: Path) -> None:
    await decoder.decode(samples.plain())
    [helper] = helpers()
    os.kill(helper.pid, signal.SIGSTOP)
    asking = asyncio.create_task(decoder.decode(samples.plain()))
    await asyncio.sleep(0)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert (await decoder.decode(samples.plain(30, 10))).width == 30


async def test_no_more_than_a_few_run_at_once(decoder: Decoder) -> None:
    work = [decoder.decode(samples.plain(40, 20 + n)) for n in range(12)]
    assert {found.height for found in await asyncio.gather(*work)} == set(range(20, 32))
    assert len(helpers()) <= module.HELPERS


async def test_who_comes_when_too_many_wait_is_told_to_come_again(
    decoder: Decoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_WAITING", 3)
    work = [decoder.decode(samples.plain()) for _ in range(20)]
    outcomes = await asyncio.gather(*work, return_exceptions=True)
    refused = [each for each in outcomes if isinstance(each, SllmError)]
    assert {error.code for error in refused} == {"overloaded"}
    assert 0 < len(refused) < 20


async def test_bombs_take_no_memory_of_this_process(decoder: Decoder) -> None:
    await decoder.decode(samples.plain())
    bombs = [samples.bomb(13_312), samples.png_header(30_000, 30_000)]
    large = samples.bomb(4_800)  # within the limit: 23 million pixels
    before = psutil.Process().memory_info().rss
    for _ in range(3):
        assert (await decoder.decode(large)).width == 4_800
        for bomb in bombs * 3:
            with pytest.raises(SllmError):
                await decoder.decode(bomb)
    assert psutil.Process().memory_info().rss - before < 20 * MIB


async def test_a_full_disk_is_told_as_one(decoder: Decoder, tmp_path: Path) -> None:
    gone = Decoder(tmp_path / "gone", 1_000_000)
    with pytest.raises(SllmError) as caught:
        await gone.decode(samples.plain())
    assert caught.value.code == "storage_full"
    await gone.close()
