"""Commands that explain themselves in the language of the terminal, down to what Typer adds.

A command's own texts come from the message files, by `say`, when its module is loaded.
"""

from collections.abc import Callable
from typing import Any, TypeVar

import typer
from typer.core import TyperCommand, TyperGroup

from app.commands.words import say

Function = TypeVar("Function", bound=Callable[..., Any])
# Options that Typer adds, and which text tells what they do.
ADDED = {
    "help": "help_help",
    "install_completion": "help_install_completion",
    "show_completion": "help_show_completion",
}


class Commands(typer.Typer):
    """Commands under one name, which alone shows its help."""

    def __init__(self, **options: Any) -> None:
        super().__init__(cls=_Group, no_args_is_help=True, **options)

    def command(self, *names: Any, **options: Any) -> Callable[[Function], Function]:
        return super().command(*names, cls=_Command, **options)


class _Command(TyperCommand):
    def get_params(self, ctx: Any) -> Any:
        return _told(super().get_params(ctx))


class _Group(TyperGroup):
    def get_params(self, ctx: Any) -> Any:
        return _told(super().get_params(ctx))


def _told(options: Any) -> Any:
    for each in options:
        if each.name in ADDED:
            each.help = say(ADDED[each.name])
    return options
