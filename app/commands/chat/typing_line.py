"""The line that a person types: history, completion, and more lines by Alt-Enter.

prompt_toolkit counts the columns of Korean and of emoji as terminals draw them.
"""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from prompt_toolkit import PromptSession
from prompt_toolkit.completion import CompleteEvent, Completer, NestedCompleter, PathCompleter
from prompt_toolkit.completion.base import Completion
from prompt_toolkit.document import Document
from prompt_toolkit.history import FileHistory, History, InMemoryHistory
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent

PATHS = ("/image ", "/save ")


class TypingLine:
    """Reads lines from the terminal. `known` gives what may follow each command, anew each time;
    `toolbar` the line below."""

    def __init__(
        self, folder: Path, known: Callable[[], dict[str, Any]], toolbar: Callable[[], str]
    ) -> None:
        self._prompt: PromptSession[str] = PromptSession(
            history=_history(folder),
            completer=_SlashCompleter(known),
            complete_while_typing=False,
            key_bindings=_keys(),
            bottom_toolbar=toolbar,
            enable_open_in_editor=True,
        )
        # Answers to a template's questions are no messages: they have no history of their own.
        self._question: PromptSession[str] = PromptSession()

    def read(self) -> str:
        """Raises EOFError for Ctrl-D, KeyboardInterrupt for Ctrl-C."""
        return self._prompt.prompt("> ", prompt_continuation="  ")

    def ask(self, question: str, default: str) -> str:
        """One answer; Enter takes `default`."""
        return self._question.prompt(f"{question}\n  ", default=default)


def _history(folder: Path) -> History:
    """What was typed before, readable by its owner only; none where the folder is read-only."""
    path = folder / "chat_history"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600))
    except OSError:
        return InMemoryHistory()
    return FileHistory(str(path))


def _keys() -> KeyBindings:
    keys = KeyBindings()

    @keys.add("escape", "enter")
    def _(event: KeyPressEvent) -> None:
        event.current_buffer.insert_text("\n")

    return keys


class _SlashCompleter(Completer):
    """Names of commands and of what they take; files after those that want one."""

    def __init__(self, known: Callable[[], dict[str, Any]]) -> None:
        self._known = known
        self._paths = PathCompleter(expanduser=True)

    def get_completions(self, document: Document, complete_event: CompleteEvent) -> Any:
        text = document.text_before_cursor
        if not text.startswith("/"):
            return
        wants_path = next((each for each in PATHS if text.startswith(each)), None)
        if wants_path:
            rest = Document(text.removeprefix(wants_path).lstrip("'\""))
            yield from self._paths.get_completions(rest, complete_event)
            return
        found: list[Completion] = list(
            NestedCompleter.from_nested_dict(self._known()).get_completions(
                document, complete_event
            )
        )
        yield from found
