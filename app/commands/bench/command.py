"""The command `sllm bench`: weights by weights, each on a server of its own."""

from pathlib import Path
from typing import Annotated

import psutil
import typer

from app.commands.bench.measure import Figures, measure
from app.commands.bench.picture import INSTALL, can_draw, draw
from app.commands.client import ApiError, UnreachableError
from app.commands.ends import UNREACHABLE, fail, plain_errors, settings
from app.commands.output import console, plain_table, print_json
from app.commands.own_server import NoServerError, own_server
from app.commands.words import say
from app.config import Settings
from app.provider.plan import compute_threads
from app.weights.sizes import human_bytes

COLUMNS = ("model", "streams", "prompt", "answer", "prefill", "first", "each", "total", "memory")
USAGE = 2
MOST_STREAMS = 64


def bench(
    models: Annotated[list[str] | None, typer.Argument(help=say("help_bench_models"))] = None,
    streams: Annotated[str, typer.Option(help=say("help_bench_streams"))] = "1,4",
    prompt: Annotated[int, typer.Option(min=16, max=100_000, help=say("help_bench_prompt"))] = 256,
    tokens: Annotated[int, typer.Option(min=2, max=10_000, help=say("help_bench_tokens"))] = 64,
    repeat: Annotated[int, typer.Option(min=1, max=100, help=say("help_bench_repeat"))] = 3,
    png: Annotated[Path | None, typer.Option(help=say("help_bench_png"))] = None,
    as_json: Annotated[bool, typer.Option("--json", help=say("help_json"))] = False,
) -> None:
    """Measure tokens per second, first token, prefill and memory on this machine."""
    if png is not None and not can_draw():
        fail(say("bench_no_matplotlib", command=INSTALL))
    counts, found, figures = _counts(streams), settings(), []
    with plain_errors():
        names: list[str | None] = [*models] if models else [None]
        for name in names:
            figures += _measured(found, name, counts, prompt, tokens, repeat)
    if as_json:
        print_json({"machine": _machine(), "figures": figures})
    else:
        _print(figures)
    if png is not None:
        _draw(figures, png)


def _counts(text: str) -> list[int]:
    numbers = [int(each) for each in text.split(",") if each.strip().isdecimal()]
    good = numbers and all(1 <= number <= MOST_STREAMS for number in numbers)
    if not good or len(numbers) != len(text.split(",")):
        fail(say("bench_bad_streams", most=MOST_STREAMS), USAGE)
    return numbers


def _measured(
    found: Settings, model: str | None, counts: list[int], prompt: int, tokens: int, repeat: int
) -> list[Figures]:
    """A server for these weights, with a slot for each stream and room for each request."""
    # Half as many again: words are not tokens, and a chat template adds some.
    window = max(1024, (prompt * 3) // 2 + tokens + 64)
    changes = {"PARALLEL_SLOTS": str(max(counts)), "CONTEXT_LENGTH": str(window)}
    typer.echo(say("bench_starting", model=model or "-"), err=True)
    try:
        with own_server(found, model, RATE_LIMIT="", **changes) as server:
            return [
                measure(server.client, server.pid, count, prompt, tokens, repeat)
                for count in counts
            ]
    except (NoServerError, UnreachableError) as error:
        fail(str(error), UNREACHABLE)
    except ApiError as error:
        fail(str(error))


def _print(figures: list[Figures]) -> None:
    table = plain_table(*(say(f"bench_{name}") for name in COLUMNS))
    for each in figures:
        table.add_row(
            each.model,
            str(each.streams),
            str(each.prompt_tokens),
            str(each.completion_tokens),
            f"{each.prefill_per_second:.0f}/s",
            f"{each.first_token_ms:.0f} ms",
            f"{each.tokens_per_second:.1f}/s",
            f"{each.total_per_second:.1f}/s",
            human_bytes(each.memory_bytes),
        )
    console().print(table)
    console().print(say("bench_machine", **_machine()), style="dim")


def _machine() -> dict[str, str | int]:
    """What the figures hold for."""
    return {"threads": compute_threads(), "memory": human_bytes(psutil.virtual_memory().total)}


def _draw(figures: list[Figures], png: Path) -> None:
    try:
        draw(figures, png)
    except OSError as error:
        fail(say("bench_not_written", file=png.name, reason=error.strerror or str(error)))
    typer.echo(say("bench_drawn", file=png.name), err=True)
