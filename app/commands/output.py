"""Consoles and tables as the commands use them: no text of others is taken for markup."""

from typing import Any

import msgspec
import typer
from rich.console import Console
from rich.table import Column, Table

# Wider than any table: in a pipe nothing is to be cut or wrapped.
PIPE_COLUMNS = 2000


def console() -> Console:
    """On standard output."""
    made = Console(highlight=False, markup=False)
    if not made.is_terminal:
        made.width, made.soft_wrap = PIPE_COLUMNS, True
    return made


def plain_table(*columns: str) -> Table:
    """Columns beside each other, without lines."""
    heads = (Column(name, overflow="fold") for name in columns)
    table = Table(*heads, box=None, padding=(0, 2, 0, 0), show_header=bool(columns))
    table.pad_edge = False
    return table


def print_json(value: Any) -> None:
    """For other programs: UTF-8, indented, nothing else on standard output."""
    typer.echo(msgspec.json.format(msgspec.json.encode(value)).decode())
