"""`sllm models info`: what weights are, by their own header, and what they need of this machine."""

from pathlib import Path
from typing import Annotated, Any

import typer

from app.commands.ends import fail, plain_errors, settings
from app.commands.models.listing import origin
from app.commands.output import console, plain_table, print_json
from app.commands.words import language, say
from app.provider.plan import Wishes, compute_threads, plan
from app.weights import WeightsError, catalog, inventory, locate
from app.weights.catalog import CatalogEntry
from app.weights.facts import Facts, facts_of
from app.weights.memory import available_bytes, needed_bytes
from app.weights.sizes import human_bytes

WINDOWS = (2048, 4096, 8192, 16_384, 32_768, 131_072)
SLOTS = (1, 4)


def info(
    name: Annotated[str, typer.Argument(help=say("help_models_info_name"))],
    as_json: Annotated[bool, typer.Option("--json", help=say("help_json"))] = False,
) -> None:
    """Show architecture, quantization, context, memory at several windows, and what fits here."""
    data_dir = settings().data_dir
    entry = catalog.find(name.strip())
    with plain_errors():
        path = _path(name, entry, data_dir)
        rows = _of_entry(entry) if entry else {}
        rows |= _of_facts(facts_of(path), entry) if path else {}
    if as_json:
        print_json(rows)
        return
    _print(rows)
    if path is None:
        typer.echo(say("models_info_not_here", name=name), err=True)


def _path(name: str, entry: CatalogEntry | None, data_dir: Path) -> Path | None:
    """Where it lies; None for what the catalogue has and this machine has not."""
    given = Path(name).expanduser()
    if entry is None and given.exists():
        return given.absolute()
    try:
        found = locate(name, data_dir)
    except WeightsError:
        if entry is not None:
            return None
        return _by_its_list_name(name, data_dir)
    return Path(found.path) if found else None


def _by_its_list_name(name: str, data_dir: Path) -> Path:
    kept = inventory.find(name, data_dir)
    if kept.pulled is not None and kept.pulled.kind == "safetensors":
        fail(say("weights_pulled_raw", name=kept.name, folder=kept.path))
    return kept.path


def _of_entry(entry: CatalogEntry) -> dict[str, Any]:
    return {
        "name": entry.name,
        "title": entry.title,
        "description": getattr(entry.description, language()),
        "notes": getattr(entry.notes, language()) if entry.notes else None,
        "source": origin(entry),
        "sha256": entry.sha256,
        "architecture": entry.architecture,
        "parameters": entry.parameters,
        "format": entry.format,
        "quantization": entry.quantization,
        "context_length": entry.context_length,
        "chat_template": entry.chat,
        "languages": list(entry.languages),
        "license": entry.license,
        "size_bytes": entry.size_bytes,
        "memory_bytes": entry.memory_bytes,
    }


def _of_facts(facts: Facts, entry: CatalogEntry | None) -> dict[str, Any]:
    """The header's word counts; the catalogue's where the header is silent."""
    rows: dict[str, Any] = {
        "path": str(facts.path),
        "architecture": facts.architecture,
        "format": facts.format,
        "quantization": facts.quantization,
        "context_length": facts.context_length,
        "chat_template": facts.has_chat_template,
        "sees": facts.sees,
        "size_bytes": facts.file_bytes,
        "memory": _memory(facts),
        "recommended": _recommended(facts),
    }
    if entry is None:
        rows |= {"parameters": facts.parameters}
    if entry is None or facts.license:
        rows |= {"license": facts.license, "languages": list(facts.languages)}
    return rows


def _memory(facts: Facts) -> list[dict[str, int]]:
    windows = [each for each in WINDOWS if each < facts.context_length]
    if facts.context_length:
        windows.append(facts.context_length)
    return [
        {
            "context_length": window,
            "slots": slots,
            "bytes": facts.extra_bytes + needed_bytes(facts.footprint, slots, window),
        }
        for window in windows or [WINDOWS[0]]
        for slots in SLOTS
    ]


def _recommended(facts: Facts) -> dict[str, Any]:
    """What a server on this machine would choose now."""
    free = available_bytes()
    threads = compute_threads()
    chosen = plan(facts.footprint, Wishes(None, None), free - facts.extra_bytes, threads)
    needed = chosen.needed_bytes + facts.extra_bytes
    return {
        "context_length": chosen.context_length, "slots": chosen.slots, "threads": threads,
        "bytes": needed, "free": free, "fits": needed <= free,
    }  # fmt: skip


def _print(rows: dict[str, Any]) -> None:
    table = plain_table()
    for key, value in rows.items():
        if key not in ("memory", "recommended") and value not in (None, "", []):
            table.add_row(say(f"models_info_{key}"), _shown(key, value))
    out = console()
    out.print(table)
    if "memory" in rows:
        out.print()
        out.print(_memory_table(rows["memory"]))
        chosen = rows["recommended"]
        text = "models_recommended" if chosen["fits"] else "models_does_not_fit"
        shown = {"needed": human_bytes(chosen["bytes"]), "free_memory": human_bytes(chosen["free"])}
        out.print()
        out.print(say(text, **{**chosen, **shown}))


def _memory_table(memory: list[dict[str, int]]) -> Any:
    table = plain_table(
        say("models_info_window"), *(say("models_info_slots", slots=slots) for slots in SLOTS)
    )
    windows = dict.fromkeys(each["context_length"] for each in memory)
    for window in windows:
        sizes = [human_bytes(each["bytes"]) for each in memory if each["context_length"] == window]
        table.add_row(str(window), *sizes)
    return table


def _shown(key: str, value: Any) -> str:
    if key in ("size_bytes", "memory_bytes"):
        return human_bytes(value)
    if isinstance(value, bool):
        return say("yes" if value else "no")
    if isinstance(value, list):
        return " ".join(map(str, value))
    return f"{value:,}" if isinstance(value, int) else str(value)
