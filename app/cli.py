"""The command `sllm`: its commands, and `serve`, whose options become environment variables, which
worker processes see too.

How the server is started is `app/serve.py`'s business, the other commands are `app/commands`'.
"""

import os
from typing import Annotated, Any

import typer

from app import __version__
from app.commands import docs, ends, keys, models
from app.commands.bench.command import bench
from app.commands.chat.command import chat
from app.commands.convert import convert
from app.commands.doctor.command import doctor
from app.commands.explained import Commands
from app.commands.tune.command import tune
from app.commands.words import say
from app.config import LogLevel, Settings, UseGpu
from app.engine.lifeline import die_with_parent

SERVER, WEIGHTS, SETUP = map(say, ("help_panel_server", "help_panel_weights", "help_panel_setup"))

cli = Commands(pretty_exceptions_enable=False, help=say("help_sllm"))


@cli.callback(invoke_without_command=True)
def common(
    version: Annotated[bool, typer.Option("--version", help=say("help_version"))] = False,
) -> None:
    """A server for small language models."""
    if version:
        typer.echo(f"sllm {__version__}")
        raise typer.Exit


@cli.command(rich_help_panel=SERVER, help=say("help_serve"))
def serve(
    model: Annotated[str | None, typer.Option(help=say("help_serve_model"))] = None,
    host: Annotated[str | None, typer.Option(help=say("help_serve_host"))] = None,
    port: Annotated[
        int | None, typer.Option(min=0, max=65_535, help=say("help_serve_port"))
    ] = None,
    workers: Annotated[
        int | None, typer.Option(min=1, max=64, help=say("help_serve_workers"))
    ] = None,
    log_level: Annotated[LogLevel | None, typer.Option(help=say("help_serve_log_level"))] = None,
    use_gpu: Annotated[UseGpu | None, typer.Option(help=say("help_serve_use_gpu"))] = None,
    child_of: Annotated[int | None, typer.Option(hidden=True)] = None,
) -> None:
    """Start the server. Each option stands for a setting of .env.example, and wins over it."""
    _into_environment(
        SLLM_MODEL_PATH=model, HOST=host, PORT=port, WORKERS=workers, LOG_LEVEL=log_level,
        USE_GPU=use_gpu,
    )  # fmt: skip
    if child_of is not None:
        die_with_parent(child_of)
    found = ends.settings()
    # Late: the settings' mistakes are told at once, without loading a web server.
    from app.serve import ServeError
    from app.serve import serve as run

    try:
        code = run(found)
    except ServeError as error:
        ends.fail(str(error))
    raise typer.Exit(code)


cli.command(rich_help_panel=SERVER, help=say("help_chat"))(chat)
cli.add_typer(models.cli, name="models", rich_help_panel=WEIGHTS)
cli.command(rich_help_panel=WEIGHTS, help=say("help_convert"))(convert)
cli.command(rich_help_panel=WEIGHTS, help=say("help_bench"))(bench)
cli.command(rich_help_panel=WEIGHTS, help=say("help_tune"))(tune)
cli.command(rich_help_panel=SETUP, help=say("help_doctor"))(doctor)
cli.add_typer(keys.cli, name="keys", rich_help_panel=SETUP)
cli.add_typer(docs.cli, name="docs", rich_help_panel=SETUP)


@cli.command(rich_help_panel=SETUP, help=say("help_settings"))
def settings() -> None:
    """Show every setting with its description and default, as a .env file."""
    from app.config_example import example

    typer.echo(example(Settings), nl=False)


def main() -> None:
    """The entry point of `sllm` and of `python -m app.cli`."""
    cli(prog_name="sllm")


def _into_environment(**options: Any) -> None:
    """Set each variable that was given; empty text counts, it is a mistake to be told."""
    os.environ.update({name: str(value) for name, value in options.items() if value is not None})


if __name__ == "__main__":
    main()
