"""The team of real weights grows and shrinks, and does so beside a program that is really busy."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from app.engine.launcher import environment
from app.engine.threads.adapting import LOOK_SECONDS
from app.engine.threads.machine import Machine
from app.provider.plan import compute_threads
from app.weights import ModelSpec
from tests.metrics.scrape import scrape
from tests.support import PATIENCE, ROOT, Server, running

BUSY = "while True: pass"
BUSY_ALREADY = 0.3
needs_two_cores = pytest.mark.skipif(compute_threads() < 2, reason="one core has no room")


@contextmanager
def busy_programs(count: int) -> Iterator[None]:
    processes = [subprocess.Popen([sys.executable, "-c", BUSY]) for _ in range(count)]
    try:
        yield
    finally:
        for process in processes:
            process.kill()
            process.wait()


def used_by_others(machine: Machine) -> float:
    """In cores, over a moment that is long enough for the kernel's counters."""
    machine.look()
    time.sleep(LOOK_SECONDS)  # the length of the look
    look = machine.look()
    assert look is not None
    return look.foreign


def test_a_busy_program_is_seen() -> None:
    machine = Machine()
    with busy_programs(1):
        assert used_by_others(machine) > 0.1


@pytest.mark.weights
@needs_two_cores
def test_a_team_is_as_large_as_it_may_be(embedded: ModelSpec) -> None:
    output = subprocess.run(
        [sys.executable, "-m", "tests.engine.threads.busy_team", embedded.path],
        env=environment(adapting=True),
        cwd=ROOT,
        check=True,
        stdout=subprocess.PIPE,
        timeout=PATIENCE,
    ).stdout
    assert json.loads(output.splitlines()[-1]) == [2, 1, 2]


@pytest.mark.weights
@needs_two_cores
def test_beside_a_busy_program_a_thread_less_computes_until_it_ends(
    embedded: ModelSpec, tmp_path: Path
) -> None:
    if used_by_others(Machine()) > BUSY_ALREADY:
        pytest.skip("other programs keep this machine busy: they would be counted, too")
    with running(tmp_path, {"SLLM_MODEL_PATH": embedded.path}) as server:
        most = threads(server)
        with busy_programs(len(os.sched_getaffinity(0)) - most + 1):
            server.wait_until(lambda: threads(server) == most - 1)
        try:
            server.wait_until(lambda: threads(server) == most)
        except AssertionError:
            if used_by_others(Machine()) > BUSY_ALREADY:
                pytest.skip("other programs have begun to keep this machine busy")
            raise


def threads(server: Server) -> int:
    # Asking without a pause is work as well, and would be counted as a neighbour's.
    time.sleep(2 * LOOK_SECONDS)
    return int(scrape(server).value("sllm_engine_threads", engine="text"))


def test_only_an_adapting_engine_has_openmp_s_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OMP_DYNAMIC", "KMP_DYNAMIC_MODE"):
        monkeypatch.delenv(name, raising=False)
    assert "OMP_DYNAMIC" not in environment(adapting=False)
    assert environment(adapting=True)["KMP_DYNAMIC_MODE"] == "thread_limit"


def test_a_user_s_own_choice_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_DYNAMIC", "false")
    assert environment(adapting=True)["OMP_DYNAMIC"] == "false"
    assert "KMP_DYNAMIC_MODE" not in environment(adapting=True)
