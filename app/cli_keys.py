"""`sllm keys`: make, list and revoke API keys."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from app import api_keys
from app.api_keys import KeysError
from app.config import load_settings
from app.config_errors import SettingsError

# sysexits.h: EX_CONFIG.
BAD_SETTINGS = 78

cli = typer.Typer(no_args_is_help=True, help="API keys of the server.")
FILE = Annotated[
    Path | None, typer.Option("--file", help="The file of keys. Default: API_KEYS_FILE.")
]


@cli.command()
def create(
    name: Annotated[str, typer.Option(help="What the key is for.")] = "", file: FILE = None
) -> None:
    """Make a key and show it, once: only its hash is kept."""
    path = _path(file)
    with _plain_errors():
        entry, key = api_keys.create(path, name)
    typer.echo(f"id:   {entry.id}")
    typer.echo(f"key:  {key}")
    typer.echo(f"file: {path.name}", err=True)
    typer.echo("Keep the key now, it is not shown again.", err=True)


@cli.command("list")
def list_keys(file: FILE = None) -> None:
    """Show ids, names and dates."""
    with _plain_errors():
        keys = api_keys.read(_path(file))
    table = Table("id", "name", "created")
    for key in keys:
        table.add_row(key.id, key.name, key.created_at)
    Console().print(table)


@cli.command()
def revoke(key_id: str, file: FILE = None) -> None:
    """Take a key away; running servers refuse it from now on."""
    with _plain_errors():
        found = api_keys.revoke(_path(file), key_id)
    if not found:
        typer.echo(f"There is no key {key_id}.", err=True)
        raise typer.Exit(1)


def _path(file: Path | None) -> Path:
    if file is not None:
        return file
    try:
        settings = load_settings()
    except SettingsError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(BAD_SETTINGS) from None
    return settings.api_keys_file or settings.data_dir / "api_keys.json"


@contextmanager
def _plain_errors() -> Iterator[None]:
    try:
        yield
    except KeysError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from None
