"""Running the process that measures: in a private folder, gone when it is stopped."""

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

import msgspec
from msgspec.structs import replace

from app.domain.model_info import Notice
from app.engine.launcher import environment
from app.engine.spec import EngineSpec
from app.tuning.job import Job, Report
from app.weights.task import Task

_POLL_SECONDS: Final = 0.05


class UnmeasurableError(Exception):
    """These weights do not run here; `reason` is for people."""

    def __init__(self, reason: Notice) -> None:
        super().__init__(reason.text)
        self.reason = reason


def run(job: Job, task: Task) -> Report:
    """Blocks. Raises UnmeasurableError, CancelledError; the process is gone then."""
    # Its default rights are the owner's only: the engine's socket is in it.
    with tempfile.TemporaryDirectory(prefix="sllm-tune-") as name:
        folder = Path(name)
        question = folder / "job.json"
        question.write_bytes(msgspec.json.encode(replace(job, spec=_in(job, name))))
        answer, errors = folder / "report.json", folder / "errors.log"
        with question.open("rb") as given, answer.open("wb") as out, errors.open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "app.tuning.worker"],
                env=environment(),
                stdin=given,
                stdout=out,
                stderr=log,
                # Ctrl-C in a terminal reaches the whole group; when to end is our decision.
                start_new_session=True,
            )
        try:
            while process.poll() is None:
                task.pause(_POLL_SECONDS)
        finally:
            process.kill()
            process.wait()
        told = errors.read_text("utf-8", "replace").strip().splitlines()
        return _report(job, process.returncode, answer.read_bytes(), (told or ["-"])[-1][:200])


def _in(job: Job, folder: str) -> EngineSpec:
    return replace(job.spec, directory=folder)


def _report(job: Job, code: int, answer: bytes, last_words: str) -> Report:
    if code == 0:
        return msgspec.json.decode(answer, type=Report)
    if answer:
        raise UnmeasurableError(msgspec.convert(json.loads(answer), Notice))
    values: dict[str, str | int | float] = {"model": job.spec.id, "code": code}
    raise UnmeasurableError(Notice("tune_died", {**values, "reason": last_words}))
