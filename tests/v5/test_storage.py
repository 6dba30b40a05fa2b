"""Images on disk and in both databases: as long as a message shows them, and no longer."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.database.postgresql import Postgresql
from tests.images.samples import in_base64, plain
from tests.support import Server, running
from tests.v5.conftest import SETTINGS
from tests.v5.support import ask, files, image, seeing


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    settings = dict(SETTINGS)
    if request.param == "postgresql":
        database: Postgresql = request.getfixturevalue("postgresql_server")
        settings["DATABASE_URL"] = database.fresh()
    folder = tmp_path_factory.mktemp(f"images-{request.param}")
    with running(folder, settings, "--workers", "2") as started:
        seeing(started)
        yield started


@pytest.fixture(autouse=True)
def _empty(server: Server) -> Iterator[None]:
    """Each begins, and ends, with nothing kept."""
    yield
    assert server.http.delete("/api/v5/conversations?confirm=all").status_code == 200
    assert files(server.log_path.parent) == []
    assert "Traceback" not in server.log


def test_a_picture_is_one_file_however_often_it_is_shown(server: Server) -> None:
    folder = server.log_path.parent
    first = ask(server.http, "one", image())
    second = ask(server.http, "two", {"data": in_base64(plain(format_="GIF"))}, image())
    assert files(folder) == [first["images"][0]["sha256"]]
    path = folder / "images" / f"{first['images'][0]['sha256']}.png"
    assert (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    assert server.http.delete(conversation(first)).status_code == 204
    assert len(files(folder)) == 1
    assert server.http.delete(conversation(second)).status_code == 204
    assert files(folder) == []


def conversation(told: dict[str, Any]) -> str:
    return f"/api/v5/conversations/{told['conversation_id']}"


def test_deleting_all_deletes_every_picture(server: Server) -> None:
    told = [ask(server.http, "n", image(20 + n, 20)) for n in range(3)]
    # What an engine keeps of a picture goes with it.
    kept = server.log_path.parent / "vision-features" / "encoder"
    kept.mkdir(parents=True)
    for each in told:
        (kept / f"{each['images'][0]['sha256']}-0123456789abcdef.features").touch()
    assert len(files(server.log_path.parent)) == 3
    assert server.http.delete("/api/v4/conversations?confirm=all").json() == {"deleted": 3}
    assert files(server.log_path.parent) == []
    assert list(kept.iterdir()) == []
    for each in told:
        answer = server.http.get(f"/api/v5/images/{each['images'][0]['id']}")
        assert answer.status_code == 404


def test_an_export_brings_its_pictures_back(server: Server) -> None:
    first = ask(server.http, "what?", image() | {"filename": "사진.png", "ocr": "EXIT"})
    ask(server.http, "more", image(64, 64), conversation_id=first["conversation_id"])
    one = server.http.get(f"{conversation(first)}/export").content
    every = server.http.get("/api/v5/conversations/export").content
    assert json.loads(one) == json.loads(every)
    [shown] = json.loads(one)["messages"][0]["images"]
    assert (shown["sha256"], shown["filename"]) == (first["images"][0]["sha256"], "사진.png")
    assert server.http.delete(conversation(first)).status_code == 204
    head = {"Content-Type": "application/x-ndjson"}
    done = server.http.post("/api/v5/conversations/import", content=every, headers=head).json()
    assert (done["imported"], done["skipped"]) == (1, [])
    [id_] = done["conversations"]
    answer = ask(server.http, "again", conversation_id=id_)
    assert answer["response"].startswith(f"I see 2 images: 40x20 #{shown['sha256'][:8]}")
    text = server.http.get(f"/api/v5/conversations/{id_}/export?format=markdown").text
    assert "*(image, 40 × 20 pixels)*" in text


@pytest.mark.parametrize(
    ("data", "imported"),
    [(None, 1), ("AAA", 0), (in_base64(b"<svg/>"), 0), (in_base64(plain()[:60]), 0)],
)
def test_a_bad_picture_of_an_import(server: Server, data: str | None, imported: int) -> None:
    said = {"id": "a", "role": "user", "content": "x", "created_at": "2026-01-01T00:00:00Z"}
    tree = {
        "format": "sllm.conversation",
        "version": 1,
        "created_at": said["created_at"],
        "updated_at": said["created_at"],
        "messages": [said | {"images": [{"data": data}]}],
    }
    done = server.http.post("/api/v5/conversations/import", json=tree).json()
    assert (done["imported"], len(done["skipped"])) == (imported, 1 - imported)


def test_a_file_that_is_gone_is_told_as_such(server: Server) -> None:
    first = ask(server.http, "what?", image(21, 22))
    hash_ = first["images"][0]["sha256"]
    (server.log_path.parent / "images" / f"{hash_}.png").unlink()
    gone = server.http.get(f"/api/v5/images/{first['images'][0]['id']}")
    assert gone.status_code == 404
    ask(server.http, "and?", conversation_id=first["conversation_id"], expect=404)


def test_what_a_crash_left_is_swept_at_start(tmp_path: Path) -> None:
    kept = tmp_path / "images"
    with running(tmp_path, SETTINGS) as server:
        seeing(server)
        first = ask(server.http, "what?", image())
        server.process.kill()
        server.process.wait()
    (kept / f"{'a' * 64}.png").write_bytes(plain())
    for stale in (kept / "incoming" / "x.part", kept / "leases" / f"{'b' * 64}.x"):
        stale.write_bytes(b"")
        os.utime(stale, (0, 0))
    with running(tmp_path, SETTINGS) as server:
        assert files(tmp_path) == [first["images"][0]["sha256"]]
        assert server.http.get(f"/api/v5/images/{first['images'][0]['id']}").status_code == 200
