"""Feature rows: encoded once, found again after a restart, never another picture's or encoder's."""

import asyncio
import stat
from pathlib import Path
from threading import Event
from typing import Any

import numpy as np
import pytest
from msgspec.structs import replace
from PIL import Image

from app.domain.errors import SllmError
from app.domain.messages import Message, Picture
from app.engine import feature_folder
from app.engine.onnx.vision import feature_files
from app.engine.onnx.vision.encoder import Stop, Stopped
from app.engine.onnx.vision.family import Prepared
from app.engine.onnx.vision.feature_files import FeatureFiles
from app.engine.onnx.vision.features import Features
from tests.engine.onnx.vision.checkpoints import noise, stored

WIDTH = 4


class Family:
    """The number of rows is the image's width."""

    placeholder = "<image>"

    def prepare(self, image: Image.Image) -> Prepared:
        pixels = np.asarray(image, np.float32)
        return Prepared({"pixel_values": pixels}, (image.width,))

    def tokens_between(self) -> tuple[int, int]:
        return 1, 1000

    def contents(self, messages: list[Message]) -> list[dict[str, Any]]:
        return []

    def fallback_template(self) -> str | None:
        return None


class Encoder:
    """Rows of means; `gate` holds a run until it is opened or stopped."""

    def __init__(self, rows: int = 0) -> None:
        self.runs, self.rows = 0, rows
        self.began, self.gate = Event(), Event()
        self.gate.set()
        self.stopped = False

    def run(self, feeds: dict[str, Any], stop: Stop) -> Any:
        self.runs += 1
        self.began.set()
        options = type("Options", (), {"terminate": False})()
        stop.watch(options)
        while not self.gate.wait(0.01):
            if options.terminate:
                self.stopped = True
                raise Stopped
        pixels = feeds["pixel_values"]
        means = pixels.mean(axis=(0, 2))
        return np.repeat(means[: self.rows or len(means), None], WIDTH, axis=1).astype(np.float32)


def features(folder: Path, encoder: Encoder, name: str = "a" * 64, **limits: int) -> Features:
    files = FeatureFiles(folder, name)
    made = Features(encoder, Family(), files, WIDTH, **limits)  # type: ignore[arg-type]
    made.open()
    return made


def picture(folder: Path, width: int = 5, seed: int = 0) -> Picture:
    return stored(folder, noise(width, 3, seed))


async def test_an_image_is_encoded_once(tmp_path: Path) -> None:
    encoder = Encoder()
    made = features(tmp_path / "cache", encoder)
    seen = picture(tmp_path)
    several = await asyncio.gather(*(made.rows(seen) for _ in range(5)))
    assert encoder.runs == 1
    assert all((rows == several[0]).all() for rows in several)
    made.close()


async def test_a_restart_finds_it_and_another_encoder_does_not(tmp_path: Path) -> None:
    seen = picture(tmp_path)
    first, again, other = Encoder(), Encoder(), Encoder()
    rows = await features(tmp_path / "cache", first).rows(seen)
    seen = replace(seen, file=str(tmp_path / "gone.png"))
    kept = await features(tmp_path / "cache", again).rows(seen)
    assert (kept == rows).all()
    assert again.runs == 0
    with pytest.raises(SllmError, match="image_unreadable"):
        await features(tmp_path / "cache", other, "b" * 64).rows(seen)


async def test_each_tenant_s_picture_is_encoded_once_more(tmp_path: Path) -> None:
    """Or the time would tell one of them what another has sent."""
    encoder = Encoder()
    seen = picture(tmp_path)
    made = features(tmp_path / "cache", encoder)
    for owner in ("one", "other", "one"):
        await made.rows(replace(seen, owner=owner))
    assert encoder.runs == 2
    feature_folder.forget(tmp_path / "cache", seen.sha256)
    assert list((tmp_path / "cache").glob("*/*")) == []


async def test_pictures_do_not_get_each_other_s_rows(tmp_path: Path) -> None:
    made = features(tmp_path / "cache", Encoder())
    one, other = picture(tmp_path, seed=1), picture(tmp_path, seed=2)
    assert (await made.rows(one) != await made.rows(other)).any()


async def test_memory_has_a_bound_and_the_disk_stands_in(tmp_path: Path) -> None:
    encoder = Encoder()
    made = features(tmp_path / "cache", encoder, memory_bytes=2 * 5 * WIDTH * 4)
    seen = [picture(tmp_path, seed=seed) for seed in range(4)]
    for each in [*seen, *seen]:
        await made.rows(each)
    assert encoder.runs == 4
    assert made._held_bytes == sum(rows.nbytes for rows in made._held.values()) <= 160


async def test_a_picture_of_any_size_that_was_taken_is_encoded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pillow's own limit is lower than the highest MAX_IMAGE_PIXELS."""
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 4)
    encoder = Encoder()
    assert len(await features(tmp_path, encoder).rows(picture(tmp_path)))
    assert encoder.runs == 1


async def test_leaving_stops_the_encoder(tmp_path: Path) -> None:
    encoder = Encoder()
    encoder.gate.clear()
    made = features(tmp_path / "cache", encoder)
    asked = asyncio.create_task(made.rows(picture(tmp_path)))
    await asyncio.to_thread(encoder.began.wait)
    asked.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asked
    encoder.gate.set()
    # What is asked next is answered after the run that was stopped.
    await made.rows(picture(tmp_path, seed=9))
    assert encoder.runs == 2
    made.close()


async def test_one_that_leaves_does_not_stop_another_s_run(tmp_path: Path) -> None:
    encoder = Encoder()
    encoder.gate.clear()
    made = features(tmp_path / "cache", encoder)
    seen = picture(tmp_path)
    first, second = (asyncio.create_task(made.rows(seen)) for _ in range(2))
    await asyncio.to_thread(encoder.began.wait)
    second.cancel()
    encoder.gate.set()
    assert len(await first) == 5
    assert not encoder.stopped


async def test_a_wrong_number_of_rows_is_told_with_both(tmp_path: Path) -> None:
    made = features(tmp_path / "cache", Encoder(rows=3))
    with pytest.raises(SllmError) as caught:
        await made.rows(picture(tmp_path))
    assert caught.value.status == 500
    assert caught.value.values == {"made": f"3 x {WIDTH}", "wanted": f"5 x {WIDTH}"}


def test_files_are_private_and_whole(tmp_path: Path) -> None:
    files = FeatureFiles(tmp_path / "cache", "c" * 64)
    rows = np.arange(12, dtype=np.float32).reshape(3, 4)
    files.write("0" * 64, rows)
    (path,) = (tmp_path / "cache").glob("*/*")
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert (files.read("0" * 64) == rows).all()  # type: ignore[union-attr]
    content = path.read_bytes()
    for damaged in (content[:-1], content[:20], b"", content[:-1] + b"x", b"X" + content[1:]):
        path.write_bytes(damaged)
        assert files.read("0" * 64) is None
        assert not path.exists()
        files.write("0" * 64, rows)


def test_the_disk_has_a_bound(tmp_path: Path) -> None:
    rows = np.zeros((10, 10), np.float32)
    files = FeatureFiles(tmp_path, "d" * 64, most_bytes=1000)
    names = [f"{number:064x}" for number in range(4)]
    for name in names:
        files.write(name, rows)
    assert [files.read(name) is not None for name in names] == [False, False, True, True]


def test_a_disk_that_fails_costs_only_time(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file")
    files = FeatureFiles(tmp_path / "cache", "e" * 64)
    files.write("0" * 64, np.zeros((1, 1), np.float32))
    assert files.read("0" * 64) is None


def test_what_is_forgotten_is_gone_for_every_encoder(tmp_path: Path) -> None:
    for name in ("f" * 64, "1" * 64):
        FeatureFiles(tmp_path, name).write("2" * 64, np.zeros((1, 1), np.float32))
    feature_folder.forget(tmp_path, "2" * 64)
    feature_folder.forget(tmp_path, "../../x")
    assert list(tmp_path.glob("*/*")) == []


def test_an_encoder_that_changes_has_another_identity(tmp_path: Path) -> None:
    path = tmp_path / "vision_encoder.onnx"
    path.write_bytes(b"one")
    before = feature_files.identity([path], "facts")
    assert feature_files.identity([path], "other") != before
    path.write_bytes(b"other")
    assert feature_files.identity([path], "facts") != before
