"""`sllm docs`: the API's documents as files."""

from pathlib import Path
from typing import Annotated

import typer

from app.commands.ends import fail
from app.commands.explained import Commands
from app.commands.words import say

cli = Commands(help=say("help_docs"))


@cli.command(help=say("help_docs_export"))
def export(
    folder: Annotated[Path, typer.Argument(help=say("help_docs_folder"))] = Path("api_docs"),
    site: Annotated[bool, typer.Option("--site", help=say("help_docs_site"))] = False,
) -> None:
    """Write every version's OpenAPI document, and its reference as Markdown."""
    # Late: the documents are made from the routes, which bring the web framework.
    from app.docs.export import export_documents
    from app.docs.site import export_standalone

    try:
        written = export_standalone(folder) if site else export_documents(folder)
    except OSError as error:
        fail(say("docs_not_written", folder=folder.name, reason=error.strerror or str(error)))
    for path in written:
        typer.echo(path)
