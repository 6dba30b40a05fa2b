"""`sllm models`: the catalogue as a table."""

import typer
from rich.console import Console
from rich.table import Table

from app.config import load_settings
from app.config_errors import SettingsError
from app.weights import WeightsError, locate
from app.weights.catalog import CatalogEntry, HubSource, PypiSource, entries
from app.weights.memory import available_bytes
from app.weights.sizes import human_bytes

# sysexits.h: EX_CONFIG.
BAD_SETTINGS = 78

cli = typer.Typer(no_args_is_help=True, help="Models of the catalogue.")
COLUMNS = (
    "name", "architecture", "parameters", "format", "disk", "memory", "fits", "here", "licence",
    "from",
)  # fmt: skip


@cli.command("list")
def list_models() -> None:
    """Show what can be served by name: size, memory, licence, source, and whether it fits."""
    try:
        data_dir = load_settings().data_dir
    except SettingsError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(BAD_SETTINGS) from None
    table, free = Table(*COLUMNS), available_bytes()
    for entry in entries():
        try:
            is_here = locate(entry.name, data_dir) is not None
        except WeightsError:
            is_here = False
        table.add_row(*_row(entry, free), "yes" if is_here else "", entry.license, _origin(entry))
    console = Console()
    console.print(table)
    console.print(f"Memory is for one window of 4096 tokens; {human_bytes(free)} are free now.")
    for entry in entries():
        if entry.notes is not None:
            console.print(f"{entry.name}: {entry.notes.en}", markup=False)


def _row(entry: CatalogEntry, free: int) -> list[str]:
    """The columns up to `fits`."""
    return [
        entry.name + (" (default)" if entry.default else ""),
        entry.architecture,
        _count(entry.parameters),
        f"{entry.format} {entry.quantization}",
        human_bytes(entry.size_bytes),
        human_bytes(entry.memory_bytes),
        "yes" if entry.memory_bytes <= free else "no",
    ]


def _count(parameters: int) -> str:
    """135 M, 7.2 B: as model names have it."""
    if parameters < 1_000_000_000:
        return f"{parameters / 1e6:.0f} M"
    return f"{parameters / 1e9:.1f} B"


def _origin(entry: CatalogEntry) -> str:
    source = entry.sources[0]
    if isinstance(source, HubSource):
        return f"hub: {source.repo}"
    if isinstance(source, PypiSource):
        return f"package index: {source.parts[0].package}"
    return f"sllm convert {source.entry}"
