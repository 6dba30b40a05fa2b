"""`sllm convert`: the command's options, its progress and its last words."""

import os
import signal
import threading
from contextlib import closing
from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TimeElapsedColumn

from app.commands.ends import plain_errors
from app.commands.words import language, say
from app.config import load_settings
from app.convert import requirements
from app.convert.builder import Device, Precision
from app.domain.model_info import Notice
from app.i18n.notices import words
from app.weights.sizes import human_bytes
from app.weights.task import Task

Weights = Literal["fp16", "fp32"]


class Steps:
    """Sentences and bars on standard error; see app.weights.task.Progress."""

    def __init__(self) -> None:
        self._console = Console(stderr=True, highlight=False, soft_wrap=True)
        columns = ("{task.description}", BarColumn(), "{task.percentage:>3.0f} %")
        self._bars = Progress(*columns, TimeElapsedColumn(), console=self._console)
        self._shown: dict[str, TaskID] = {}

    def note(self, notice: Notice) -> None:
        self._console.print(words([notice], language())[0], markup=False)

    def advance(self, file: str, done: int, total: int | None) -> None:
        """`done` of `total` bytes of a download, or layers of the graph."""
        if not self._console.is_terminal:
            return
        if file not in self._shown:
            self._bars.start()
            self._shown[file] = self._bars.add_task(file, total=total)
        self._bars.update(self._shown[file], completed=done, total=total)

    def close(self) -> None:
        if self._shown:
            self._bars.stop()


def convert(
    source: Annotated[str, typer.Argument(help=say("help_convert_source"))],
    output: Annotated[Path | None, typer.Option(help=say("help_convert_output"))] = None,
    precision: Annotated[Precision, typer.Option(help=say("help_convert_precision"))] = "int8",
    device: Annotated[Device, typer.Option(help=say("help_convert_device"))] = "cpu",
    vision: Annotated[bool, typer.Option("--vision", help=say("help_convert_vision"))] = False,
    vision_precision: Annotated[
        Weights, typer.Option(help=say("help_convert_vision_precision"))
    ] = "fp16",
) -> None:
    """Convert weights to ONNX, and measure what that costs in quality."""
    steps, cancel = Steps(), threading.Event()
    # The end of a conversion is where its folder is cleared: let it come.
    signal.signal(signal.SIGINT, lambda *_: cancel.set())
    signal.signal(signal.SIGTERM, lambda *_: cancel.set())
    task = Task(steps, cancel)
    with plain_errors(), closing(steps):
        if vision:
            _convert_vision(Path(source), output, precision, vision_precision, task)
        else:
            _convert(source, output, precision, device, task)


def _prepare() -> None:
    requirements.require()
    # Everything is on this machine by then, and progress is told here.
    os.environ.update(HF_HUB_OFFLINE="1", TQDM_DISABLE="1", TRANSFORMERS_VERBOSITY="error")


def _convert_vision(
    source: Path, output: Path | None, precision: Precision, weights: Weights, task: Task
) -> None:
    _prepare()
    # Late: these need the extra.
    from app.convert.vision.conversion import convert
    from app.convert.vision.source import find_vision_source

    found = find_vision_source(source)
    target = output or load_settings().data_dir / "converted" / f"{found.name}-{precision}"
    done = convert(found, target.absolute(), precision, task, weights)
    _tell(done.folder, done.bytes, f"VISION_MODEL_PATH={done.folder} sllm serve")


def _convert(
    name: str, output: Path | None, precision: Precision, device: Device, task: Task
) -> None:
    _prepare()
    # Late: these need the extra.
    from app.convert.conversion import convert
    from app.convert.source import find_source

    data_dir = load_settings().data_dir
    source = find_source(name, data_dir, task)
    made_for = "" if device == "cpu" else f"-{device}"
    target = output or data_dir / "converted" / f"{source.name}-{precision}{made_for}"
    done = convert(source, target.absolute(), precision, task, device)
    quality = done.quality
    for tongue, before in quality.before.items():
        after = quality.after[tongue]
        change = 100 * (after / before - 1)
        shown = {"before": f"{before:.2f}", "after": f"{after:.2f}", "change": f"{change:+.2f}"}
        typer.echo(say("convert_perplexity", language_code=tongue, **shown))
    typer.echo(say("convert_greedy", equal=quality.greedy_equal, total=quality.greedy_total))
    if quality.is_notable:
        values = {"percent": round(100 * quality.loss), "precision": precision}
        typer.echo(say("convert_lossy", **values))
    _tell(done.folder, done.bytes, f"sllm serve --model {done.folder}")


def _tell(folder: Path, size: int, command: str) -> None:
    typer.echo(say("convert_written", size=human_bytes(size), folder=folder))
    typer.echo(say("convert_serve", command=command))
