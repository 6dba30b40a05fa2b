"""`sllm models list`: the catalogue, and what is on this machine besides."""

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from app.commands.ends import plain_errors, settings
from app.commands.output import PIPE_COLUMNS, console, plain_table, print_json
from app.commands.words import language, say
from app.weights import WeightsError, catalog, inventory, locate
from app.weights.catalog import CatalogEntry, HubSource, PypiSource
from app.weights.inventory import Kept
from app.weights.memory import available_bytes
from app.weights.sizes import human_bytes

COLUMNS = (
    "name", "parameters", "format", "disk", "memory", "fits", "here", "languages", "licence",
    "from",
)  # fmt: skip
# A name is to be copied, not puzzled out: where a terminal is too narrow for all, these are left to
# `info`, one after the other.
SPARED = ("from", "parameters", "languages", "licence", "memory", "format")
SHOWN_LANGUAGES = 3


def list_models(
    everything: Annotated[bool, typer.Option("--all", help=say("help_models_list_all"))] = False,
    here: Annotated[bool, typer.Option("--here", help=say("help_models_list_here"))] = False,
    wanted: Annotated[
        str | None, typer.Option("--language", help=say("help_models_list_language"))
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help=say("help_json"))] = False,
) -> None:
    """Show what can be served by name: size, memory, licence, source, and whether it fits."""
    data_dir, free = settings().data_dir, available_bytes()
    with plain_errors():
        rows = [_of_entry(entry, data_dir, free) for entry in catalog.entries()]
        rows += [_of_kept(each) for each in inventory.kept(data_dir) if each.entry is None]
    rows = [row for row in rows if row["here"] or not here]
    rows = [row for row in rows if wanted is None or wanted.lower() in row["languages"]]
    left = inventory.leftovers(data_dir)
    if as_json:
        print_json({"models": rows, "leftovers": [path.name for path in left], "free_memory": free})
        return
    _print(rows, free, everything)
    if everything:
        for path in left:
            shown = {"file": path.name, "size": human_bytes(inventory.size_of(path))}
            console().print(say("models_leftover", **shown))


def _print(rows: list[dict[str, Any]], free: int, everything: bool) -> None:
    out = console()
    out.print(_table(out, rows))
    out.print(say("models_memory_note", free=human_bytes(free)), style="dim")
    for row in rows if everything else []:
        texts = [row["description"], row["notes"]]
        out.print(f"{row['name']}: " + " ".join(text for text in texts if text))


def _table(out: Console, rows: list[dict[str, Any]]) -> Table:
    """All columns that this terminal has room for."""
    for spared in range(len(SPARED) + 1):
        shown = [name for name in COLUMNS if name not in SPARED[:spared]]
        table = plain_table(*(say(f"models_column_{name}") for name in shown))
        for row in rows:
            cells = dict(zip(COLUMNS, _cells(row), strict=True))
            table.add_row(*(cells[name] for name in shown))
        unbound = out.options.update(width=PIPE_COLUMNS)
        if out.measure(table, options=unbound).maximum <= out.width:
            break
    return table


def _cells(row: dict[str, Any]) -> list[str]:
    languages: list[str] = row["languages"]
    more = f" +{len(languages) - SHOWN_LANGUAGES}" if len(languages) > SHOWN_LANGUAGES else ""
    # Korean is what many ask for: it is not left in the part that is not shown.
    first = sorted(languages, key=lambda each: each not in ("en", "ko"))[:SHOWN_LANGUAGES]
    fits = {True: say("yes"), False: say("no"), None: "-"}[row["fits"]]
    return [
        row["name"] + (" *" if row["default"] else ""),
        _count(row["parameters"]),
        f"{row['format']} {row['quantization']}".strip(),
        human_bytes(row["size_bytes"]),
        human_bytes(row["memory_bytes"]) if row["memory_bytes"] else "-",
        fits,
        say("yes") if row["here"] else "",
        " ".join(first) + more,
        row["license"] or "-",
        row["source"],
    ]


def _of_entry(entry: CatalogEntry, data_dir: Path, free: int) -> dict[str, Any]:
    tongue = language()
    return {
        "name": entry.name,
        "title": entry.title,
        "description": getattr(entry.description, tongue),
        "notes": getattr(entry.notes, tongue) if entry.notes else None,
        "architecture": entry.architecture,
        "parameters": entry.parameters,
        "format": entry.format,
        "quantization": entry.quantization,
        "context_length": entry.context_length,
        "size_bytes": entry.size_bytes,
        "memory_bytes": entry.memory_bytes,
        "fits": entry.memory_bytes <= free,
        "here": _is_here(entry, data_dir),
        "chat": entry.chat,
        "languages": list(entry.languages),
        "license": entry.license,
        "source": origin(entry),
        "sha256": entry.sha256,
        "default": entry.default,
    }


def _is_here(entry: CatalogEntry, data_dir: Path) -> bool:
    try:
        return locate(entry.name, data_dir) is not None
    except WeightsError:
        return False


def _of_kept(kept: Kept) -> dict[str, Any]:
    """What its record says; its header is `info`'s business."""
    model = kept.pulled
    return {
        "name": kept.name, "title": kept.name, "description": None, "notes": None,
        "architecture": None, "parameters": None,
        "format": model.kind if model else "onnx", "quantization": "",
        "context_length": None, "size_bytes": kept.bytes, "memory_bytes": None, "fits": None,
        "here": True, "chat": None, "languages": [],
        "license": model.license if model else None,
        "source": f"hub: {model.repo}" if model else "sllm convert",
        "sha256": None, "default": False,
    }  # fmt: skip


def _count(parameters: int | None) -> str:
    """135 M, 7.2 B: as model names have it."""
    if not parameters:
        return "-"
    if parameters < 1_000_000_000:
        return f"{parameters / 1e6:.0f} M"
    return f"{parameters / 1e9:.1f} B"


def origin(entry: CatalogEntry) -> str:
    """Where it comes from first."""
    source = entry.sources[0]
    if isinstance(source, HubSource):
        return f"hub: {source.repo}"
    if isinstance(source, PypiSource):
        return f"package index: {source.parts[0].package}"
    if entry.repository is not None:
        return f"hub: {entry.repository.repo}, then sllm convert"
    assert entry.conversion is not None
    return f"sllm convert {entry.conversion.entry}"
