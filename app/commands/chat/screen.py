"""What a chat shows: answers as Markdown that grows on a terminal, plain text elsewhere."""

import sys
from collections.abc import Generator
from contextlib import closing
from types import TracebackType
from typing import Any, Protocol, Self

from markdown_it import MarkdownIt
from rich.console import Console, ConsoleOptions, RenderResult
from rich.live import Live
from rich.markdown import Markdown
from rich.segment import Segment
from rich.text import Text

from app.commands.client import Event
from app.commands.words import say

# Control characters move the cursor, change the title or the clipboard: none may pass, except
# the line break and the tab. (C0, DEL, C1, and marks that turn the writing direction.)
_CONTROL = {
    code: None
    for code in (*range(32), *range(0x7F, 0xA0), *range(0x202A, 0x202F), *range(0x2066, 0x206A))
    if chr(code) not in "\n\t"
}
_PARSER = MarkdownIt()


def clean(text: str) -> str:
    """Text of a model or of a stranger, without what a terminal would obey."""
    return text.translate(_CONTROL)


def finished(text: str) -> int:
    """How much of Markdown that still grows will not change any more: up to its last block."""
    starts = [
        token.map[0] for token in _PARSER.parse(text) if token.level == 0 and token.map is not None
    ]
    if len(starts) < 2:
        return 0
    return sum(map(len, text.splitlines(keepends=True)[: starts[-1]]))


class _Tail:
    """The end of a block, as much of it as fits the terminal: Live cannot scroll."""

    def __init__(self) -> None:
        self.text = ""
        self.status = ""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        if not self.text:
            yield Text(self.status, style="dim", end="")
            return
        lines = console.render_lines(Markdown(self.text), options.update(height=None), pad=False)
        first, *others = lines[-max(1, console.height - 2) :] or [[]]
        yield from first
        for line in others:
            yield Segment.line()
            yield from line


class Answer(Protocol):
    """Shows one answer as it comes; a context, so that it ends properly however it ends."""

    def __enter__(self) -> Self: ...
    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...
    def feed(self, text: str) -> None: ...
    def wait(self, status: str) -> None: ...


class LiveAnswer:
    """Blocks that are finished are printed for good; the last one is drawn anew as it grows."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._tail = _Tail()
        self._begun = False
        self._live = Live(
            self._tail, console=console, transient=True, refresh_per_second=12,
            vertical_overflow="crop",
        )  # fmt: skip

    def __enter__(self) -> Self:
        self._tail.status = say("chat_thinking")
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        rest, self._tail.text, self._tail.status = self._tail.text, "", ""
        self._live.stop()
        if rest.strip():
            self._print(rest)

    def feed(self, text: str) -> None:
        whole = self._tail.text + clean(text)
        end = finished(whole)
        self._tail.text = whole[end:]
        if end:
            self._print(whole[:end])

    def wait(self, status: str) -> None:
        self._tail.status = status

    def _print(self, block: str) -> None:
        if self._begun:
            self._console.print()
        self._begun = True
        self._console.print(Markdown(block))


class PlainAnswer:
    """Text as it comes, for pipes and files; of what was refused not even an empty line."""

    _begun = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if self._begun or kind is None:
            self._write("\n")

    def feed(self, text: str) -> None:
        self._begun = True
        self._write(clean(text) if sys.stdout.isatty() else text)

    def wait(self, status: str) -> None:
        """A pipe is not told."""

    def _write(self, text: str) -> None:
        sys.stdout.write(text)
        sys.stdout.flush()


def show(events: Generator[Event], answer: Answer) -> dict[str, Any]:
    """Feed a stream to `answer`; returns its `done`.

    Ctrl-C ends the stream, leaves what came on the screen, and raises KeyboardInterrupt.
    """
    done: dict[str, Any] = {}
    with closing(events), answer:
        for name, data in events:
            if name == "token":
                answer.feed(data["text"])
            elif name == "queue":
                answer.wait(say("chat_queued", position=data["position"]))
            elif name == "prefill":
                answer.wait(say("chat_prefill", **data))
            elif name == "done":
                done = data
    return done
