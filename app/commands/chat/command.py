"""The command `sllm chat`: which server, one question or many, and the exit code."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from app.commands.chat import choices
from app.commands.chat.screen import Answer, LiveAnswer, PlainAnswer, show
from app.commands.chat.session import Session
from app.commands.chat.told import CommandError, read_image
from app.commands.client import ApiError, Client, UnreachableError
from app.commands.ends import (
    INTERRUPTED,
    NOT_ALLOWED,
    UNREACHABLE,
    fail,
    plain_errors,
    settings,
)
from app.commands.output import console, print_json
from app.commands.own_server import NoServerError, own_server
from app.commands.words import say, typed
from app.config import Settings

USAGE = 2
EVERYWHERE = ("0.0.0.0", "::")  # noqa: S104 - compared, not bound


def chat(
    message: Annotated[str | None, typer.Argument(help=say("help_chat_message"))] = None,
    url: Annotated[str | None, typer.Option(envvar="SLLM_URL", help=say("help_chat_url"))] = None,
    key: Annotated[
        str | None, typer.Option(envvar="SLLM_API_KEY", help=say("help_chat_key"))
    ] = None,
    model: Annotated[str | None, typer.Option(help=say("help_chat_model"))] = None,
    image: Annotated[list[Path] | None, typer.Option(help=say("help_chat_image"))] = None,
    system: Annotated[str | None, typer.Option(help=say("help_chat_system"))] = None,
    template: Annotated[str | None, typer.Option(help=say("help_chat_template"))] = None,
    option: Annotated[
        list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help=say("help_chat_set"))
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help=say("help_chat_json"))] = False,
) -> None:
    """Talk to a model: a conversation on a terminal, or one question and its answer."""
    text = _whole(message)
    try:
        prepared = _prepared(image or [], system, template, option or [])
    except CommandError as error:
        fail(str(error), USAGE)
    with _ends(), _server(url, key, model) as (client, named):
        session = Session(client, named, **prepared)
        if text is None:
            # Late: only a person who types needs it.
            from app.commands.chat.loop import Loop

            Loop(session, settings().data_dir).run()
        else:
            _once(session, text, as_json)


def _whole(message: str | None) -> str | None:
    """The message with what is piped in; None for a person at a terminal."""
    piped = "" if sys.stdin.isatty() else sys.stdin.buffer.read().decode("utf-8", "replace")
    parts = [part for part in (typed(message or ""), piped) if part.strip()]
    if parts:
        return "\n\n".join(parts)
    if message is not None or not sys.stdin.isatty() or not sys.stdout.isatty():
        fail(say("chat_no_message"), USAGE)
    return None


@contextmanager
def _ends() -> Iterator[None]:
    """Errors as one line and an exit code."""
    try:
        with plain_errors():
            yield
    except ApiError as error:
        if error.status == 401:
            fail(f"{error}\n{say('chat_needs_key')}", NOT_ALLOWED)
        fail(str(error))
    except UnreachableError as error:
        fail(say("chat_unreachable", url=error), UNREACHABLE)
    except NoServerError as error:
        fail(str(error), UNREACHABLE)


@contextmanager
def _server(
    url: str | None, key: str | None, model: str | None
) -> Iterator[tuple[Client, str | None]]:
    """A client of the server that was named, or runs here, or is started for now; and what to
    call the model in requests."""
    if url is not None:
        with Client(url, key) as client:
            if not client.is_there():
                raise UnreachableError(url)
            yield client, model
        return
    found = settings()
    with Client(_usual(found), key) as client:
        if client.is_there():
            yield client, model
            return
    typer.echo(say("chat_starts_server", url=_usual(found)), err=True)
    with own_server(found, model, key) as server:
        yield server.client, None


def _usual(found: Settings) -> str:
    host = "127.0.0.1" if found.host in EVERYWHERE else found.host
    return f"http://{f'[{host}]' if ':' in host else host}:{found.port or 8000}"


def _prepared(
    images: list[Path], system: str | None, template: str | None, options: list[str]
) -> dict[str, Any]:
    """What a Session is made of. Raises CommandError."""
    if system is not None and template is not None:
        raise CommandError(say("chat_system_or_template"))
    given = {"system_prompt": system, "template": template}
    chosen: dict[str, Any] = {}
    for each in map(typed, options):
        name, _, value = each.partition("=")
        choices.set_option(chosen, name.strip(), value.strip())
    return {
        "images": [read_image(os.fspath(path)) for path in images],
        "setup": {name: typed(value) for name, value in given.items() if value is not None},
        "options": chosen,
    }


def _once(session: Session, text: str, as_json: bool) -> None:
    """One question; the answer goes to standard output, what else is to be said to the other."""
    answer: Answer = _Silent() if as_json else _pretty()
    try:
        done = show(session.ask(text), answer)
    except KeyboardInterrupt:
        fail(say("chat_stopped"), INTERRUPTED)
    if as_json:
        print_json(done)
    for warning in done.get("warnings", []):
        typer.echo(warning, err=True)
    if done.get("finish_reason") == "length":
        typer.echo(say("chat_length"), err=True)


def _pretty() -> Answer:
    return LiveAnswer(console()) if sys.stdout.isatty() else PlainAnswer()


class _Silent(PlainAnswer):
    """Shows nothing of an answer that is printed whole."""

    def _write(self, text: str) -> None:
        """Nothing."""
