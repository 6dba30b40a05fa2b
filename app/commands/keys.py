"""`sllm keys`: make, list and revoke API keys."""

from pathlib import Path
from typing import Annotated

import typer

from app import api_keys
from app.commands.ends import fail, plain_errors, settings
from app.commands.explained import Commands
from app.commands.output import console, plain_table
from app.commands.words import say, typed

cli = Commands(help=say("help_keys"))
FILE = Annotated[Path | None, typer.Option("--file", help=say("help_keys_file"))]


@cli.command(help=say("help_keys_create"))
def create(
    name: Annotated[str, typer.Option(help=say("help_keys_name"))] = "", file: FILE = None
) -> None:
    """Make a key and show it, once: only its hash is kept."""
    path = _path(file)
    with plain_errors():
        entry, key = api_keys.create(path, typed(name))
    typer.echo(f"id:   {entry.id}")
    typer.echo(f"key:  {key}")
    typer.echo(f"file: {path.name}", err=True)
    typer.echo(say("keys_keep_it"), err=True)


@cli.command("list", help=say("help_keys_list"))
def list_keys(file: FILE = None) -> None:
    """Show ids, names and dates."""
    with plain_errors():
        keys = api_keys.read(_path(file))
    table = plain_table("id", say("keys_name"), say("keys_created"))
    for key in keys:
        table.add_row(key.id, key.name, key.created_at)
    console().print(table)


@cli.command(help=say("help_keys_revoke"))
def revoke(
    key_id: Annotated[str, typer.Argument(help=say("help_keys_id"))],
    file: FILE = None,
) -> None:
    """Take a key away; running servers refuse it from now on."""
    with plain_errors():
        found = api_keys.revoke(_path(file), key_id)
    if not found:
        fail(say("keys_unknown", id=key_id))
    typer.echo(say("keys_revoked", id=key_id), err=True)


def _path(file: Path | None) -> Path:
    if file is not None:
        return file
    found = settings()
    return found.api_keys_file or found.data_dir / "api_keys.json"
