"""`sllm docs`: the API's documents as files."""

from pathlib import Path
from typing import Annotated

import typer

from app.commands.ends import fail
from app.commands.words import say

cli = typer.Typer(no_args_is_help=True, help="The API's documents.")


@cli.command()
def export(
    folder: Annotated[Path, typer.Argument(help="Where to write them.")] = Path("api_docs"),
    site: Annotated[
        bool, typer.Option("--site", help="Also Swagger UI and ReDoc, as pages without a server.")
    ] = False,
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
