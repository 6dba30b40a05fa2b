"""Decodes with the weights of its argument and prints how many threads computed, as JSON: with a
team of two, of one, and of two again. For test_adapting; it needs a process of its own.
"""

import json
import os
import sys
from pathlib import Path
from typing import Any

from app.engine.threads.openmp import Team, is_adjustable

TOKENS = 48
# Ticks (10 ms) of processor time from which on a thread has computed.
WORKED = 4


def main() -> None:
    import xllamacpp

    assert is_adjustable()
    parameters = xllamacpp.CommonParams()
    parameters.model.path = sys.argv[1]
    parameters.n_ctx, parameters.n_gpu_layers = 1024, 0
    parameters.cpuparams.n_threads = parameters.cpuparams_batch.n_threads = 2
    parameters.hostnames, parameters.port, parameters.ui = ["127.0.0.1"], 0, False
    parameters.fit_params, parameters.verbosity = False, 1
    server = xllamacpp.Server(parameters)
    team = Team(len(os.sched_getaffinity(0)))
    json.dump([working(server, team, threads) for threads in (2, 1, 2)], sys.stdout)
    sys.stdout.flush()
    os._exit(0)


def working(server: Any, team: Team, threads: int) -> int:
    """How many threads use processor time while a team of `threads` decodes."""
    team.limit(threads)
    decode(server, "before")  # who has left the team spins on for a moment
    earlier = ticks()
    decode(server, "then")
    return sum(now - earlier.get(thread, 0) >= WORKED for thread, now in ticks().items())


def decode(server: Any, prompt: str) -> None:
    request = {"prompt": prompt, "n_predict": TOKENS, "ignore_eos": True, "temperature": 0}
    server.handle_completions(request)


def ticks() -> dict[str, int]:
    """User time of every thread of this process."""
    found = {}
    for task in Path("/proc/self/task").iterdir():
        after_name = (task / "stat").read_text().rpartition(")")[2].split()
        found[task.name] = int(after_name[11])
    return found


if __name__ == "__main__":
    main()
