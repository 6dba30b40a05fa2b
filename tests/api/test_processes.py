"""What happens when processes die: the engine, a worker, the whole server."""

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.support import Server, events, running, sse

SCRIPTED = {"SLLM_MODEL_PATH": "scripted", "PARALLEL_SLOTS": "8"}
SLOW = {"message": "#words=2000 #pace=10", "max_tokens": 3000}


class Stream:
    """A chat that is being streamed."""

    def __init__(self, server: Server) -> None:
        self._context = server.http.stream("POST", "/api/v2/chat/stream", json=SLOW)
        self.events = sse(self._context.__enter__().iter_lines())
        assert next(name for name, _ in self.events if name == "token")

    def rest(self) -> list[tuple[str, Any]]:
        return list(self.events)

    def close(self) -> None:
        self._context.__exit__(None, None, None)


def kill_the_engine(server: Server) -> None:
    server.engines()[0].kill()


def crash_from_inside(server: Server) -> None:
    events(server, "#words=3 #crash=1")


@pytest.mark.parametrize("kill", [kill_the_engine, crash_from_inside])
def test_streams_are_told_when_the_engine_dies(
    tmp_path: Path, kill: Callable[[Server], None]
) -> None:
    with running(tmp_path, SCRIPTED) as server:
        (old,) = server.engines()
        streams = [Stream(server) for _ in range(7)]
        kill(server)
        for stream in streams:
            last = stream.rest()[-1]
            assert last[0] == "error"
            assert last[1]["error"]["code"] == "engine_died"
        server.wait_for("ok")
        (new,) = server.engines()
        assert new.pid != old.pid
        assert server.chat("again").status_code == 200


def test_the_engine_dies_with_a_killed_server(tmp_path: Path) -> None:
    with running(tmp_path, SCRIPTED) as server:
        engine = server.engines()[0]
        server.process.kill()
        assert psutil.wait_procs([engine], timeout=20)[1] == []


def test_workers_and_engine_die_with_a_killed_server(tmp_path: Path) -> None:
    with running(tmp_path, SCRIPTED, "--workers", "3") as server:
        family = [*server.tree(), *server.engines()]
        server.process.kill()
        assert psutil.wait_procs(family, timeout=20)[1] == []


def test_an_orderly_end_leaves_no_process_and_no_file(tmp_path: Path) -> None:
    with running(tmp_path, SCRIPTED, "--workers", "2") as server:
        family = [*server.tree(), *server.engines()]
        directories = server.runtime_directories()
        assert directories
    assert psutil.wait_procs(family, timeout=20)[1] == []
    assert not any(directory.exists() for directory in directories)


def test_workers_share_one_engine(tmp_path: Path) -> None:
    with running(tmp_path, SCRIPTED, "--workers", "4") as server:
        server.wait_until(lambda: len(server.workers()) == 4)
        for _ in range(20):
            assert server.fresh_get("/health").json()["status"] in ("ok", "loading")
        assert len(server.engines()) == 1


def test_a_dead_worker_harms_nobody_else(tmp_path: Path) -> None:
    with running(tmp_path, SCRIPTED, "--workers", "3") as server:
        server.wait_until(lambda: len(server.workers()) == 3)
        (engine,) = server.engines()
        for worker in server.workers()[:2]:
            worker.kill()
            worker.wait(20)
        server.wait_until(lambda: len(server.workers()) == 3)
        server.wait_for("ok")
        assert [process.pid for process in server.engines()] == [engine.pid]
        # Whoever watches now must still start a new engine when this one dies.
        engine.kill()
        server.wait_until(lambda: [e.pid for e in server.engines()] not in ([], [engine.pid]))
        server.wait_for("ok")


def test_a_stopped_engine_is_not_ready_and_comes_back(tmp_path: Path) -> None:
    with running(tmp_path, SCRIPTED) as server:
        (engine,) = server.engines()
        os.kill(engine.pid, signal.SIGSTOP)
        server.wait_for("unavailable")
        assert server.http.get("/health/live").status_code == 200
        server.wait_until(lambda: [e.pid for e in server.engines()] not in ([], [engine.pid]))
        server.wait_for("ok")


def test_sigterm_refuses_new_work_and_finishes_the_old(tmp_path: Path) -> None:
    with running(tmp_path, SCRIPTED) as server:
        with server.http.stream(
            "POST", "/api/v2/chat/stream", json={"message": "#words=150 #pace=10"}
        ) as response:
            stream = sse(response.iter_lines())
            assert next(name for name, _ in stream if name == "token")
            server.process.send_signal(signal.SIGTERM)
            assert server.wait_for("draining")["status"] == "draining"
            refused = server.chat("too late")
            assert (refused.status_code, refused.json()["error"]["code"]) == (503, "shutting_down")
            last = list(stream)[-1]
        assert last[0] == "done"
        assert server.process.wait(20) in (0, -signal.SIGTERM)


def test_a_second_signal_ends_running_answers_at_once(tmp_path: Path) -> None:
    with running(tmp_path, SCRIPTED) as server:
        stream = Stream(server)
        server.process.send_signal(signal.SIGTERM)
        server.wait_for("draining")
        server.process.send_signal(signal.SIGTERM)
        name, data = stream.rest()[-1]
        assert (name, data["error"]["code"]) == ("error", "shutting_down")
        assert server.process.wait(20) in (0, -signal.SIGTERM)


def test_the_engine_listens_on_no_port_and_its_directory_is_private(tmp_path: Path) -> None:
    with running(tmp_path, SCRIPTED) as server:
        (engine,) = server.engines()
        assert engine.net_connections("inet") == []
        for directory in server.runtime_directories():
            assert directory.stat().st_mode & 0o077 == 0


def test_a_request_that_kills_the_engine_twice_is_not_tried_again(tmp_path: Path) -> None:
    with running(tmp_path, SCRIPTED) as server:
        for _ in range(2):
            assert server.chat("#words=3 #crash=1").json()["error"]["code"] == "engine_died"
            server.wait_for("ok")
        (engine,) = server.engines()
        refused = server.chat("#words=3 #crash=1")
        assert (refused.status_code, refused.json()["error"]["code"]) == (400, "invalid_parameter")
        assert server.chat("something else").status_code == 200
        assert [process.pid for process in server.engines()] == [engine.pid]
