"""What was acknowledged is there: after `kill -9` of workers, and on a disk without room.

TEST_KILL_CYCLES sets how often a worker is killed (20; a release is tried with 1000).
"""

import os
import random
import resource
import sqlite3
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import psutil
import pytest

from tests.support import Server, running
from tests.v4.support import branch, say

CYCLES = int(os.environ.get("TEST_KILL_CYCLES", "20"))
SCRIPTED = {"SLLM_MODEL_PATH": "scripted"}


class Writers:
    """Threads that talk, each in conversations of its own, and note what was acknowledged."""

    def __init__(self, url: str, count: int) -> None:
        self.url = url
        self.acknowledged: list[tuple[str, str, str, str]] = []
        self.unexpected: list[str] = []
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._write, args=(n,)) for n in range(count)]

    def __enter__(self) -> "Writers":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _write(self, number: int) -> None:
        conversation: str | None = None
        for turn in range(1_000_000):
            if self._stop.is_set():
                return
            body = {"message": f"writer {number} turn {turn}", "conversation_id": conversation}
            conversation = self._turn(body)

    def _turn(self, body: dict[str, str | None]) -> str | None:
        """The conversation to go on with; after a cut connection a new one."""
        try:
            answer = httpx.post(self.url + "/api/v4/chat", json=body, timeout=60)
        except httpx.TransportError:
            return None
        if answer.status_code == 503:  # a worker that has just begun
            return body["conversation_id"]
        if answer.status_code != 200:
            self.unexpected.append(answer.text)
            return None
        said = answer.json()
        id_: str = said["conversation_id"]
        self.acknowledged.append((id_, said["message_id"], str(body["message"]), said["response"]))
        return id_ if random.random() < 0.9 else None


def test_killed_workers_lose_nothing(tmp_path: Path) -> None:
    with running(tmp_path, SCRIPTED, "--workers", "2") as server:
        with Writers(server.url, 4) as writers:
            for _ in range(CYCLES):
                kill_one(server, writers)
        assert not writers.unexpected
        assert len(writers.acknowledged) > CYCLES * 5
        check_all(server, writers)
    with sqlite3.connect(tmp_path / "sllm.db") as database:
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        pending = "SELECT count(*) FROM messages WHERE status = 'pending'"
        assert database.execute(pending).fetchone() == (0,)
    database.close()


def kill_one(server: Server, writers: Writers) -> None:
    """Some worker, in the middle of its writing."""
    seen = len(writers.acknowledged)
    server.wait_until(lambda: len(writers.acknowledged) > seen + 5)
    victim = random.choice(server.workers())
    victim.kill()
    server.wait_until(lambda: victim.pid not in {worker.pid for worker in server.workers()})


def check_all(server: Server, writers: Writers) -> None:
    """Every acknowledged turn is in its conversation, word for word, and in its order."""
    kept: dict[str, list[tuple[str, str, str]]] = {}
    for id_, _, message, response in writers.acknowledged:
        if id_ not in kept:
            kept[id_] = branch(server, id_)
        place = kept[id_].index(("user", message, "complete"))
        assert ("assistant", response, "complete") == kept[id_][place + 1]


@contextmanager
def a_full_disk(server: Server, folder: Path) -> Iterator[None]:
    """No file of the server's workers may grow: what a quota does."""
    processes = [server.root(), *server.workers()]
    limit = max(file.stat().st_size for file in folder.rglob("*") if file.is_file())
    for process in processes:
        process.rlimit(psutil.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
    yield
    for process in processes:
        process.rlimit(psutil.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))


@contextmanager
def a_small_disk(folder: Path) -> Iterator[None]:
    """A file system of 3 MB; skips where mounting is not allowed."""
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(folder)],
        capture_output=True,
        check=False,
    )
    if mounted.returncode:
        pytest.skip("mounting needs more rights; the quota's test stands for it")
    try:
        yield
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def fill(server: Server) -> str:
    """Talk until there is no room; what the refusal says."""
    for _ in range(500):
        answer = server.http.post("/api/v4/chat", json={"message": "room? " * 2000})
        if answer.status_code != 200:
            assert answer.status_code == 507, answer.text
            return str(answer.json()["error"]["code"])
    raise AssertionError("the disk is never full")


def test_over_a_quota_reading_and_stateless_chat_go_on(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with running(tmp_path, {**SCRIPTED, "DATA_DIR": str(data)}) as server:
        first = say(server, "before")
        with a_full_disk(server, data):
            assert fill(server) == "storage_full"
            check_alive_without_room(server, first["conversation_id"])
        assert say(server, "after", conversation_id=first["conversation_id"])["response"]
        assert len(branch(server, first["conversation_id"])) == 4
        assert server.wait_for("ok")["database"]["status"] == "ok"


def test_on_a_full_disk_reading_and_stateless_chat_go_on(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    settings = {**SCRIPTED, "DATA_DIR": str(data)}
    with a_small_disk(data), running(tmp_path, settings) as server:
        first = say(server, "before")
        ballast = data / "ballast"
        ballast.write_bytes(b"\0" * 500_000)
        assert fill(server) == "storage_full"
        check_alive_without_room(server, first["conversation_id"])
        ballast.unlink()
        assert say(server, "after", conversation_id=first["conversation_id"])["response"]


def check_alive_without_room(server: Server, id_: str) -> None:
    assert branch(server, id_)[0][1] == "before"
    assert server.chat("stateless").status_code == 200
    health = server.fresh_get("/health")
    assert (health.status_code, health.json()["status"]) == (200, "degraded")
    assert health.json()["database"]["status"] == "storage_full"
    error = say(server, "more room? " * 2000, expect=507)["error"]
    assert error["code"] == "storage_full"


def test_a_damaged_database_is_refused_and_kept(tmp_path: Path) -> None:
    settings = {**SCRIPTED, "DATA_DIR": str(tmp_path / "data")}
    with running(tmp_path, settings) as server:
        say(server, "kept " * 50)
    file = tmp_path / "data" / "sllm.db"
    damaged = b"\0" * 100 + file.read_bytes()[100:]
    file.write_bytes(damaged)
    server = Server(tmp_path, settings)
    assert server.process.wait(60) != 0
    server.stop()
    assert "Restore a backup" in server.log
    assert file.read_bytes() == damaged
