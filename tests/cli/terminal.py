"""A terminal for tests: what was typed goes in, and the screen shows what a person would see."""

import os
import re
import sys
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

import pexpect
import pyte

from tests.support import ROOT

COLUMNS, ROWS = 100, 40
# A bound, never an expectation: less than a test may take, so that a failure shows the screen.
PATIENCE = 100.0


class Terminal:
    """`sllm ARGUMENTS` on a terminal of its own."""

    def __init__(self, environment: dict[str, str], folder: Path, *arguments: str) -> None:
        self.screen = pyte.HistoryScreen(COLUMNS, ROWS, history=2000)
        self._stream = pyte.Stream(self.screen)
        settings = {"TERM": "xterm-256color", "PYTHONPATH": str(ROOT), "PROMPT_TOOLKIT_NO_CPR": "1"}
        given = {**os.environ, **environment, **settings}
        self.child = pexpect.spawn(
            sys.executable,
            ["-P", "-m", "app.cli", *arguments],
            cwd=str(folder),
            env={name: each for name, each in given.items() if name not in ("COLUMNS", "LINES")},
            dimensions=(ROWS, COLUMNS),
            encoding="utf-8",
            timeout=PATIENCE,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.child.close(force=True)

    @property
    def lines(self) -> list[str]:
        """All that was ever shown, the screen last, without blanks at the ends."""
        above = [
            "".join(line[column].data for column in range(COLUMNS)).rstrip()
            for line in self.screen.history.top
        ]
        return [*above, *(line.rstrip() for line in self.screen.display)]

    @property
    def text(self) -> str:
        return "\n".join(self.lines)

    def type(self, line: str) -> None:
        self.child.send(line + "\r")

    def wait(self, pattern: str) -> str:
        """The screen, once it shows `pattern`."""
        end = time.monotonic() + PATIENCE
        while not re.search(pattern, self.text):
            assert time.monotonic() < end, self.text
            self._read()
        return self.text

    def wait_for_prompt(self) -> None:
        """After an answer: the line to be typed is there and empty. Before, the terminal itself
        would take Ctrl-D for the end of a line."""
        self.wait(r"(?m)^> *$")

    def recall(self, line: str) -> None:
        """Press the arrow upwards until `line` stands there: what was typed in earlier sessions is
        read while the prompt waits already."""
        end = time.monotonic() + PATIENCE
        while line not in self.text:
            assert time.monotonic() < end, self.text
            self.child.send("\x1b[A")
            with suppress(pexpect.TIMEOUT):
                self._stream.feed(self.child.read_nonblocking(4096, 1))

    def end(self) -> int:
        """Read until the command is over; its exit code."""
        try:
            while True:
                self._stream.feed(self.child.read_nonblocking(4096, PATIENCE))
        except pexpect.EOF:
            self.child.wait()
        assert self.child.exitstatus is not None
        return int(self.child.exitstatus)

    def _read(self) -> None:
        try:
            self._stream.feed(self.child.read_nonblocking(4096, 1))
        except pexpect.TIMEOUT:
            return
        except pexpect.EOF:
            raise AssertionError(self.text) from None
