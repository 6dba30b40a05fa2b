"""The command `sllm`: options become environment variables, which worker processes see too.

How the server is started is `app/serve.py`'s business.
"""

import os
from typing import Annotated, Any, NoReturn

import typer

from app import __version__, cli_convert, cli_keys, cli_models
from app.config import LogLevel, Settings, UseGpu, load_settings
from app.config_errors import SettingsError

# sysexits.h: EX_CONFIG.
BAD_SETTINGS = 78

cli = typer.Typer(
    add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False,
    help="A server for small language models.",
)  # fmt: skip


@cli.callback(invoke_without_command=True)
def common(
    version: Annotated[bool, typer.Option("--version", help="Show the version.")] = False,
) -> None:
    """A server for small language models."""
    if version:
        typer.echo(f"sllm {__version__}")
        raise typer.Exit


@cli.command()
def serve(
    model: Annotated[str | None, typer.Option(help="A file, an ONNX folder or a name.")] = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(min=0, max=65_535, help="0: any free one.")] = None,
    workers: Annotated[int | None, typer.Option(min=1, max=64, help="HTTP processes.")] = None,
    log_level: Annotated[LogLevel | None, typer.Option()] = None,
    use_gpu: Annotated[UseGpu | None, typer.Option()] = None,
) -> None:
    """Start the server. Each option stands for a setting of .env.example, and wins over it."""
    _into_environment(
        SLLM_MODEL_PATH=model, HOST=host, PORT=port, WORKERS=workers, LOG_LEVEL=log_level,
        USE_GPU=use_gpu,
    )  # fmt: skip
    settings = _settings()
    # Late: the settings' mistakes are told at once, without loading a web server.
    from app.serve import ServeError
    from app.serve import serve as run

    try:
        code = run(settings)
    except ServeError as error:
        _fail(str(error), 1)
    raise typer.Exit(code)


cli.add_typer(cli_keys.cli, name="keys")
cli.add_typer(cli_models.cli, name="models")
cli.command()(cli_convert.convert)


@cli.command()
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


def _settings() -> Settings:
    try:
        return load_settings()
    except SettingsError as error:
        _fail(str(error), BAD_SETTINGS)


def _fail(message: str, code: int) -> NoReturn:
    typer.echo(message, err=True)
    raise typer.Exit(code)


if __name__ == "__main__":
    main()
