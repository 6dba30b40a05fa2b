"""Several workers, one page; and what stays when processes die."""

import resource
import subprocess
import sys
from pathlib import Path

from tests.metrics.scrape import Page, scrape
from tests.support import ROOT, Server, running

SCRIPTED = {"SLLM_MODEL_PATH": "scripted"}
CHATS = {"method": "POST", "route": "/api/v2/chat", "status": "200"}
QUESTION = {"message": "#words=3"}


def chats(page: Page) -> float:
    return page.value("sllm_http_requests_total", **CHATS)


def ask(server: Server, times: int) -> None:
    """Over connections of their own, so that several workers answer."""
    for _ in range(times):
        assert server.fresh_post("/api/v2/chat", QUESTION).status_code == 200


def all_ready(server: Server, workers: int) -> None:
    """Until every worker knows the engine; which one answers is chance."""
    server.wait_until(lambda: scrape(server).value("sllm_api_processes") == workers)
    server.wait_until(
        lambda: all(server.fresh_get("/health/ready").status_code == 200 for _ in range(20))
    )


def test_a_scrape_shows_all_workers_also_those_that_died(tmp_path: Path) -> None:
    with running(tmp_path, SCRIPTED, "--workers", "3") as server:
        all_ready(server, 3)
        before = chats(scrape(server))
        ask(server, 30)
        assert {chats(scrape(server)) - before for _ in range(12)} == {30}
        for worker in server.workers()[:2]:
            worker.kill()
            worker.wait(20)
        server.wait_until(lambda: len(server.workers()) == 3)
        all_ready(server, 3)
        assert {chats(scrape(server)) - before for _ in range(12)} == {30}
        ask(server, 5)
        after = scrape(server)
        assert chats(after) - before == 35
        assert after.value("sllm_generations_total", engine="text", outcome="stop") >= 35
        # Only the scrape itself: what dead workers had open is forgotten.
        assert after.value("sllm_http_requests_in_progress") == 1


def restarts(server: Server) -> float | None:
    return scrape(server).value("sllm_engine_restarts_total", engine="text")


def test_engine_restarts_are_counted_whoever_watches(tmp_path: Path) -> None:
    with running(tmp_path, SCRIPTED, "--workers", "2") as server:
        for expected in (1, 2):
            (engine,) = server.engines()
            engine.kill()
            server.wait_until(
                lambda: [each.pid for each in server.engines()] not in ([], [engine.pid])  # noqa: B023
            )
            server.wait_for("ok")
            server.wait_until(
                lambda: restarts(server) == expected  # noqa: B023
            )
            if expected == 1:
                for worker in server.workers():
                    worker.kill()
                    worker.wait(20)
                server.wait_until(lambda: len(server.workers()) == 2)
                server.wait_for("ok")


def test_a_server_that_finds_no_room_for_files_counts_for_each_worker() -> None:
    script = (
        "from app.metrics import shared\n"
        "directory = shared.prepare()\n"
        "from app.metrics.exposition import Metrics\n"
        "metrics = Metrics(directory, ['text'])\n"
        "metrics.instruments.errors.labels('not_found').inc()\n"
        "from app.metrics.state import ServerState\n"
        "page, _ = metrics.scrape([], ServerState(True, False, 'ok', 'sqlite'), '')\n"
        "print(directory, b'sllm_errors_total{code=\"not_found\"} 1.0' in page)"
    )

    def no_large_files() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))

    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=ROOT, capture_output=True, text=True, check=True, preexec_fn=no_large_files,
    )  # fmt: skip
    assert done.stdout == "None True\n"
    assert "one worker only" in done.stderr
