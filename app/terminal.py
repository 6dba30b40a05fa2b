"""What the command line shows: the banner and a download's progress; plain when not a terminal,
and log records where LOG_FORMAT is json, for then a program reads."""

import ipaddress
import logging
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TimeRemainingColumn

from app import __version__
from app.commands.words import language, say
from app.domain.model_info import Notice
from app.i18n.notices import words
from app.logs.setup import LogFormat

log = logging.getLogger(__name__)


def show_banner(
    model: str, address: str, port: int, has_keys: bool = False, log_format: LogFormat = "text"
) -> None:
    """Where everything is, on standard error; `model` "" means that there is none yet."""
    url = f"http://{_for_browser(address)}:{port}"
    if log_format == "json":
        log.info("SLLM %s serves %s at %s", __version__, model or "no model yet", url)
    else:
        _show_text(model, url)
    if not has_keys and not ipaddress.ip_address(address).is_loopback:
        warn(say("serve_open_to_all", address=address), log_format)


def _show_text(model: str, url: str) -> None:
    console = _console()
    told = say("serve_model", model=model) if model else say("serve_no_model")
    console.print(f"[bold]SLLM {__version__}[/bold]  {escape(told)}")
    for name, path in (("chat", "/ui"), ("API", "/docs"), ("health", "/health")):
        console.print(f"  {name:<7}{url}{path}")


def warn(text: str, log_format: LogFormat = "text") -> None:
    """A sentence that must not be overlooked, on standard error."""
    if log_format == "json":
        log.warning("%s", text)
    else:
        _console().print(text, style="bold red", markup=False)


def _console() -> Console:
    return Console(stderr=True, highlight=False, soft_wrap=True)


def _for_browser(address: str) -> str:
    """An address that this machine's browser can open."""
    if address in ("0.0.0.0", "::"):  # noqa: S104 - compared, not bound
        return "127.0.0.1"
    return f"[{address}]" if ":" in address else address


class DownloadProgress:
    """A progress bar on a terminal, else a line for every tenth; see app.weights.task.Progress."""

    def __init__(self, console: Console | None = None, log_format: LogFormat = "text") -> None:
        self._console = console or _console()
        self._logs = log_format == "json"
        columns = ("{task.description}", BarColumn(), DownloadColumn(), TimeRemainingColumn())
        self._bars = Progress(*columns, console=self._console)
        self._shown: dict[str, TaskID] = {}
        self._tenths: dict[str, int] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        # Where no bar was drawn, stop() would still print an empty line.
        if self._shown:
            self._bars.stop()

    def note(self, notice: Notice) -> None:
        """One sentence, above the bar."""
        self._print(words([notice], language())[0])

    def advance(self, file: str, done: int, total: int | None) -> None:
        """`done` bytes of `total` of `file`."""
        if self._console.is_terminal and not self._logs:
            self._draw(file, done, total)
        elif total:
            self._print_tenth(file, done, total)

    def _draw(self, file: str, done: int, total: int | None) -> None:
        if file not in self._shown:
            self._bars.start()
            self._shown[file] = self._bars.add_task(file, total=total)
        self._bars.update(self._shown[file], completed=done, total=total)

    def _print_tenth(self, file: str, done: int, total: int) -> None:
        tenth = 10 * done // total
        if tenth > self._tenths.get(file, 0):
            self._tenths[file] = tenth
            self._print(f"{file}: {tenth}0 % of {total / 1e6:.0f} MB")

    def _print(self, text: str) -> None:
        if self._logs:
            log.info("%s", text)
        else:
            self._console.print(text, markup=False)
