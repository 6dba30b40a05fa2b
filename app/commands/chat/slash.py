"""The commands within a chat, `/help` and the others: what each does to the session."""

import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

from rich.console import Console

from app.commands.chat import choices, kept
from app.commands.chat.screen import clean
from app.commands.chat.session import Session
from app.commands.chat.told import CommandError, existing_file, read_image
from app.commands.output import plain_table
from app.commands.words import say

# Asks a person for one line: the question, and what it is when nothing is typed.
Ask = Callable[[str, str], str]


@dataclass
class Chat:
    """What a command may touch. `again` asks for another answer, `ended` for the end."""

    session: Session
    console: Console
    ask: Ask
    again: bool = False
    ended: bool = False
    templates: list[str] = field(default_factory=list)


Command = Callable[[Chat, str], None]


def obey(chat: Chat, line: str) -> None:
    """Do what `/name argument` says. Raises CommandError, ApiError and UnreachableError."""
    name, _, argument = line.removeprefix("/").partition(" ")
    command = COMMANDS.get(name)
    if command is None:
        near = get_close_matches(name, COMMANDS, n=1)
        hint = near[0] if near else "help"
        raise CommandError(say("chat_unknown_command", name=name[:40], hint=f"/{hint}"))
    command(chat, argument.strip())


def _help(chat: Chat, _: str) -> None:
    table = plain_table()
    for name in COMMANDS:
        table.add_row(f"/{name}", say(f"chat_help_{name}"))
    chat.console.print(table)
    chat.console.print(say("chat_help_keys"), style="dim")


def _image(chat: Chat, argument: str) -> None:
    """`-` takes all pictures away again."""
    if argument == "-":
        chat.session.images = []
        chat.console.print(say("chat_images_none"), style="dim")
        return
    chat.session.images += [read_image(name) for name in _file_names(argument)]
    chat.console.print(say("chat_images", count=len(chat.session.images)), style="dim")


def _file_names(argument: str) -> list[str]:
    """A terminal quotes what is dropped on it, so several names are several words; a person who
    types the name of a file that is there need not."""
    if not argument:
        raise CommandError(say("chat_image_usage"))
    try:
        existing_file(argument)
    except CommandError:
        pass
    else:
        return [argument]
    try:
        return shlex.split(argument)
    except ValueError:
        return [argument]


def _template(chat: Chat, argument: str) -> None:
    if not argument:
        choices.show_templates(chat.session.client, chat.console)
        return
    if argument == "-":
        _system(chat, "-")
        return
    template, variables = choices.template(chat.session.client, chat.ask, argument)
    chat.session.setup = {"template": template, "variables": variables}
    chat.console.print(say("chat_template_set", name=template), style="dim")


def _system(chat: Chat, argument: str) -> None:
    """`-` takes the system prompt, or the template that brought it, away."""
    if not argument:
        shown = kept.system_prompt(chat.session)
        chat.console.print(clean(shown) if shown else say("chat_system_none"))
        return
    chat.session.setup = {"system_prompt": "" if argument == "-" else argument}
    chat.console.print(say("chat_system_set"), style="dim")


def _set(chat: Chat, argument: str) -> None:
    name, _, value = argument.partition(" ")
    if name:
        choices.set_option(chat.session.options, name, value.strip())
    shown = ", ".join(f"{key} = {value}" for key, value in chat.session.options.items())
    chat.console.print(shown or say("chat_options_none"), style="dim")


def _save(chat: Chat, argument: str) -> None:
    path = kept.save(chat.session, argument)
    chat.console.print(say("chat_saved", file=path.name), style="dim")


def _new(chat: Chat, _: str) -> None:
    chat.session.begin_anew()
    chat.console.print(say("chat_new"), style="dim")


def _list(chat: Chat, argument: str) -> None:
    kept.show_list(chat.session, chat.console, argument)


def _open(chat: Chat, argument: str) -> None:
    kept.reopen(chat.session, chat.console, argument)


def _regenerate(chat: Chat, _: str) -> None:
    if chat.session.message is None:
        raise CommandError(say("chat_nothing_yet"))
    chat.again = True


def _stats(chat: Chat, _: str) -> None:
    kept.show_stats(chat.session, chat.console)


def _exit(chat: Chat, _: str) -> None:
    chat.ended = True


COMMANDS: Mapping[str, Command] = {
    "help": _help,
    "new": _new,
    "list": _list,
    "open": _open,
    "regenerate": _regenerate,
    "image": _image,
    "template": _template,
    "system": _system,
    "set": _set,
    "save": _save,
    "stats": _stats,
    "exit": _exit,
}


def is_command(line: str) -> bool:
    """Whether a line is for us; `//x` says `/x` to the model."""
    return line.startswith("/") and not line.startswith("//")


def said(line: str) -> str:
    """A line as the model gets it."""
    return line.removeprefix("/") if line.startswith("//") else line


def completions(chat: Chat) -> dict[str, Any]:
    """What may follow each command, for the prompt: None for nothing that is known."""
    known: dict[str, Any] = {f"/{name}": None for name in COMMANDS}
    known["/set"] = dict.fromkeys(choices.option_names())
    known["/template"] = dict.fromkeys(chat.templates)
    return known
