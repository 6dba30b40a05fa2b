"""A chat that goes on: read a line, obey or ask, show the answer, until the end."""

from pathlib import Path

from app.commands.chat import choices, slash
from app.commands.chat.screen import LiveAnswer, show
from app.commands.chat.session import Session
from app.commands.chat.slash import Chat
from app.commands.chat.told import CommandError
from app.commands.chat.typing_line import TypingLine
from app.commands.client import ApiError, Client, UnreachableError
from app.commands.output import console
from app.commands.words import say

MOST_SHOWN_WARNINGS = 5


class Loop:
    """One terminal's chat with one server."""

    def __init__(self, session: Session, folder: Path) -> None:
        self._console = console()
        self._line = TypingLine(folder, self._completions, self._toolbar)
        self._chat = Chat(session, self._console, self._line.ask)
        self._warned: set[str] = set()

    def run(self) -> None:
        """Until /exit or Ctrl-D."""
        self._greet(self._chat.session.client)
        while not self._chat.ended:
            try:
                self._turn(self._line.read())
            except EOFError:
                return
            except KeyboardInterrupt:  # of a line that is typed
                self._console.print(say("chat_how_to_leave"), style="dim")

    def _greet(self, client: Client) -> None:
        text = client.health()["models"]["text"]
        self._chat.templates = choices.names(client)
        self._console.print(say("chat_greeting", model=text["id"] or "-", url=client.url))
        self._console.print(say("chat_greeting_help"), style="dim")

    def _turn(self, line: str) -> None:
        if not line.strip():
            return
        try:
            if slash.is_command(line):
                slash.obey(self._chat, line.strip())
            else:
                self._answer(slash.said(line))
            if self._chat.again:
                self._chat.again = False
                self._answer(None)
        except (CommandError, ApiError) as error:
            self._console.print(str(error), style="red")
            # One that the server refused would be in the way of every message to come.
            if isinstance(error, ApiError) and self._chat.session.images:
                left = say("chat_images_left", count=len(self._chat.session.images))
                self._console.print(left, style="dim")
        except UnreachableError:
            told = say("chat_broken", url=self._chat.session.client.url)
            self._console.print(told, style="red")

    def _answer(self, message: str | None) -> None:
        """To a new message, or (None) to the last one once more."""
        session = self._chat.session
        events = session.regenerate() if message is None else session.ask(message)
        try:
            done = show(events, LiveAnswer(self._console))
        except KeyboardInterrupt:
            self._console.print(say("chat_stopped"), style="yellow")
            return
        if done.get("finish_reason") == "length":
            self._console.print(say("chat_length"), style="yellow")
        for warning in done.get("warnings", [])[:MOST_SHOWN_WARNINGS]:
            if warning not in self._warned:
                self._warned.add(warning)
                self._console.print(warning, style="yellow")

    def _completions(self) -> dict[str, object]:
        return slash.completions(self._chat)

    def _toolbar(self) -> str:
        """The window and what else is pending, below the line that is typed."""
        session, parts = self._chat.session, []
        if session.last is not None:
            used, context = session.last["usage"]["total_tokens"], session.last["context"]
            parts.append(f"{session.last['model']}  {used} / {context['window']}")
        if session.images:
            parts.append(say("chat_images", count=len(session.images)))
        if "template" in session.setup:
            parts.append(f"/template {session.setup['template']}")
        return "  ·  ".join(parts) or say("chat_greeting_help")
