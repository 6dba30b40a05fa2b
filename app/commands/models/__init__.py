"""`sllm models`: what there is, fetched, looked at, checked and removed."""

import typer

from app.commands.models.check import check
from app.commands.models.info import info
from app.commands.models.listing import list_models
from app.commands.models.pull import pull
from app.commands.models.remove import remove

cli = typer.Typer(no_args_is_help=True, help="Weights: list, fetch, look at, check, remove.")
cli.command("list")(list_models)
cli.command()(pull)
cli.command()(info)
cli.command()(check)
cli.command()(remove)
