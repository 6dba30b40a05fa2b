"""A whole HyperCLOVA X Vision 3B of random weights: converted by the command, served, and asked.

    python -m benchmarks.vision_whole [--precision int4] [--folder DIR] [--grids 2]

Writes 7.4 GB of weights and what comes of them to a temporary folder, and removes them.
"""

import argparse
import base64
import io
import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from benchmarks.figures import table
from benchmarks.processes import ROOT, end_in_order, proportional_set_bytes, tree
from benchmarks.servers import health, our_server
from benchmarks.vision_checkpoint import write_checkpoint

PICTURES = ((378, 378), (640, 480))


def main(arguments: Sequence[str] | None = None) -> int:
    """Convert, serve, ask; prints a table of each."""
    options = _parser().parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="sllm-vision-", dir=options.folder) as name:
        folder = Path(name)
        if options.converted:
            show(options.converted, folder, options.grids)
            return 0
        source, output = folder / "source", folder / "converted"
        source.mkdir()
        parameters = write_checkpoint(source)
        print(f"{parameters / 1e9:.2f} billion parameters, {_size(source):.2f} GB", flush=True)
        seconds, peak = convert(source, output, options.precision)
        print(f"converted to {options.precision} in {seconds:.0f} s with {peak:.2f} GB at most;")
        print(f"{_size(output):.2f} GB on disk", flush=True)
        if not options.convert_only:
            show(output, folder, options.grids)
    return 0


def show(model: Path, folder: Path, grids: int) -> None:
    headers = ["picture", "tokens", "first answer, s", "the same picture again, s"]
    print(table(headers, serve(model, folder, grids)))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.vision_whole", description=__doc__)
    parser.add_argument("--precision", choices=("int8", "int4", "fp16", "fp32"), default="int4")
    parser.add_argument("--folder", type=Path, help="where the temporary folder is made")
    parser.add_argument("--grids", type=int, default=9, help="VISION_MAX_GRIDS")
    parser.add_argument("--convert-only", action="store_true")
    parser.add_argument("--converted", type=Path, help="serve this one, convert nothing")
    return parser


def _size(folder: Path) -> float:
    return sum(file.stat().st_size for file in folder.iterdir()) / 1e9


def convert(source: Path, output: Path, precision: str) -> tuple[float, float]:
    """Seconds, and the most gigabytes that the command held at once."""
    command = [sys.executable, "-m", "app.cli", "convert", "--vision", str(source)]
    command += ["--output", str(output), "--precision", precision]
    started = time.perf_counter()
    process = subprocess.Popen(command, cwd=ROOT)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"sllm convert ended with {process.returncode}")
    return time.perf_counter() - started, usage.ru_maxrss * 1024 / 1e9


def serve(model: Path, folder: Path, grids: int) -> list[list[str]]:
    """A row a picture, and one of the server's memory after the last."""
    started, rows = time.perf_counter(), []
    settings = {"VISION_MODEL_PATH": str(model), "VISION_MAX_GRIDS": str(grids)}
    settings |= {
        "CONTEXT_LENGTH": "2048",
        "PARALLEL_SLOTS": "1",
        "REQUEST_DEADLINE_SECONDS": "3600",
    }
    with our_server("smollm2-135m-instruct", folder, **settings) as server:
        _wait_seeing(server.port)
        print(f"ready in {time.perf_counter() - started:.0f} s", flush=True)
        for width, height in PICTURES:
            body = _question(width, height)
            first, tokens = _ask(server.port, body)
            again, _ = _ask(server.port, body)
            rows.append([f"{width} x {height}", str(tokens), f"{first:.1f}", f"{again:.1f}"])
        held = sum(proportional_set_bytes(process.pid) for process in tree(server.pid))
        rows.append(["memory", f"{held / 1e9:.2f} GB", "", ""])
    return rows


def _wait_seeing(port: int) -> None:
    while (model := health(port)[1]["models"]["vision"])["status"] == "loading":
        time.sleep(0.2)
    if model["status"] != "ready":
        raise SystemExit(f"not served: {model}")


def _question(width: int, height: int) -> bytes:
    noise = np.random.default_rng(width).integers(0, 256, (height, width, 3), np.uint8)
    file = io.BytesIO()
    Image.fromarray(noise).save(file, "PNG")
    picture = base64.b64encode(file.getvalue()).decode()
    body: dict[str, Any] = {"message": "무엇이 보이나요?", "max_tokens": 8}
    return json.dumps(body | {"images": [{"data": picture}]}).encode()


def _ask(port: int, body: bytes) -> tuple[float, int]:
    """Seconds until the whole answer, and the prompt's tokens."""
    address = f"http://127.0.0.1:{port}/api/v5/vision/chat"
    request = urllib.request.Request(address, body, {"Content-Type": "application/json"})
    started = time.perf_counter()
    with urllib.request.urlopen(request, timeout=3600) as response:
        answer = json.load(response)
    return time.perf_counter() - started, answer["usage"]["prompt_tokens"]


if __name__ == "__main__":
    end_in_order()
    sys.exit(main())
