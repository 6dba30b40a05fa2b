"""What is wrong with weights shows in the engine process, and only there: hundreds of mutants of a
tiny graph, and tokenizers and templates of every bad kind; each gets a reason, or serves.
"""

import json
import random
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from app.domain.messages import Message
from app.engine.client import EngineClient
from app.engine.launcher import EngineFailed, begin, loaded
from app.weights import WeightsError

pytest.importorskip("onnx", reason="onnx, which writes the graphs, comes with the extra 'convert'")
from tests.engine.onnx.tiny_folder import spec_of_tiny, write_tiny

ROOT = Path(__file__).resolve().parents[3]
MUTANTS = 300
# A bound, never an expectation: all the mutants take a few seconds.
PATIENCE = 120
SERVES = "serves"


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny(tmp_path_factory.mktemp("tiny"))


async def outcome(folder: Path, directory: Path) -> str:
    """The text of the reason why it is not served, or SERVES. A reason names no path."""
    text, values = await _outcome(folder, directory)
    assert str(folder.parent) not in str(values)
    return text


async def _outcome(folder: Path, directory: Path) -> tuple[str, object]:
    try:
        spec = spec_of_tiny(folder, directory)
        process = await loaded(await begin(spec))
    except WeightsError as error:
        return error.text, error.values
    except EngineFailed as failure:
        return failure.reason.text, failure.reason.values
    client = await EngineClient.connect(directory / "engine.sock", lambda: None)
    assert await client.count(messages=(Message("user", "Hi"),)) > 0
    client.leave()
    assert await process.wait() == 0
    return SERVES, None


def tokenizer(change: Callable[[dict[str, Any]], object]) -> Callable[[Path], None]:
    def broken(folder: Path) -> None:
        path = folder / "tokenizer.json"
        content = json.loads(path.read_text())
        change(content)
        path.write_text(json.dumps(content))

    return broken


def template(text: str) -> Callable[[Path], None]:
    def broken(folder: Path) -> None:
        (folder / "chat_template.jinja").write_text(text)

    return broken


def config(**changed: Any) -> Callable[[Path], None]:
    def broken(folder: Path) -> None:
        path = folder / "config.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | changed))

    return broken


def smaller(content: dict[str, Any]) -> None:
    vocabulary = content["model"]["vocab"]
    content["model"]["vocab"] = dict(list(vocabulary.items())[:100])


def not_text(folder: Path) -> None:
    path = folder / "model.onnx"
    graph = path.read_bytes()
    path.write_bytes(graph.replace(b"MatMul", b"Mat\xe7ul", 1))


BROKEN: dict[str, tuple[Callable[[Path], None], str]] = {
    "nothing": (lambda _: None, SERVES),
    "smaller vocabulary": (tokenizer(smaller), "onnx_tokenizer"),
    "larger vocabulary": (
        tokenizer(lambda all: all["model"]["vocab"].update({f"zz{n}": 258 + n for n in range(99)})),
        "onnx_tokenizer",
    ),
    "a token's number": (
        tokenizer(lambda all: all["model"]["vocab"].update({"zz": 2**32 - 1})),
        "onnx_tokenizer",
    ),
    "no tokenizer model": (tokenizer(lambda all: all.pop("model")), "onnx_tokenizer"),
    "unknown tokenizer": (tokenizer(lambda all: all["model"].update(type="x")), "onnx_tokenizer"),
    "no decoder": (tokenizer(lambda all: all.update(decoder=None)), "onnx_tokenizer"),
    "end of another vocabulary": (config(eos_token_id=99_999), "onnx_tokenizer"),
    # onnxruntime then prints to standard output, and raises what is no error of its own.
    "a name is no text": (not_text, "onnx_load_failed"),
    "template is no Jinja": (template("{% for %}"), "onnx_chat_template"),
    "template nests": (
        template("{% for a in [1] %}" * 40 + "{% endfor %}" * 40),
        "onnx_chat_template",
    ),
    "template never ends": (
        template("{% for a in range(99999) %}{% for b in range(9999) %}{% endfor %}{% endfor %}"),
        "onnx_chat_template",
    ),
    "template is huge": (template("{{ 'x'.ljust(9999999999) }}"), "onnx_chat_template"),
    "template escapes": (template("{{ ''.__class__.__mro__ }}"), "onnx_chat_template"),
    "template refuses": (template("{{ raise_exception('no') }}"), "onnx_chat_template"),
}


@pytest.mark.parametrize("kind", BROKEN)
async def test_what_is_broken_is_named(good: Path, tmp_path: Path, kind: str) -> None:
    change, text = BROKEN[kind]
    folder, directory = tmp_path / "m", tmp_path / "e"
    shutil.copytree(good, folder)
    directory.mkdir()
    change(folder)
    assert await outcome(folder, directory) == text


# Does what the engine process does with weights: loads them, and answers once. Prints one line for
# each folder; one that takes the process with it is the first without.
CHILD = """
import asyncio, resource, sys
from pathlib import Path
from app.domain.messages import Message
from app.engine.backends.base import LoadError
from app.engine.backends.onnx import OnnxBackend
from app.domain.errors import SllmError
from app.engine.backends.base import BackendDied
from app.weights.errors import WeightsError
from tests.engine.onnx.folders import ask
from tests.engine.onnx.tiny_folder import spec_of_tiny

async def answered(backend):
    await backend.open()
    try:
        await ask(backend, "Hi")
    except (SllmError, BackendDied) as error:
        return type(error).__name__
    return "serves"

resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30))
for name in sys.argv[1:]:
    folder = Path(name)
    try:
        outcome = asyncio.run(answered(OnnxBackend.load(spec_of_tiny(folder, folder))))
    except (WeightsError, LoadError) as error:
        outcome = error.text
    print("=>", outcome, flush=True)
"""


def mutants(good: Path, folder: Path) -> list[Path]:
    """Copies of `good` with a few bytes of the graph changed, or its end cut off."""
    chance, graph = random.Random(7), (good / "model.onnx").read_bytes()
    made = []
    for number in range(MUTANTS):
        mutant = bytearray(graph)
        for _ in range(chance.choice([1, 1, 2, 8])):
            # The graph's structure is a tenth of the file, the rest are weights.
            span = len(mutant) if chance.random() < 0.5 else len(mutant) // 8
            mutant[chance.randrange(span)] = chance.choice(
                [0, 0x7F, 0x80, 0xFF, chance.randrange(256)]
            )
        if chance.random() < 0.1:
            del mutant[chance.randrange(len(mutant)) :]
        copy = folder / str(number)
        copy.mkdir()
        for each in good.iterdir():
            (copy / each.name).symlink_to(each)
        (copy / "model.onnx").unlink()
        (copy / "model.onnx").write_bytes(mutant)
        made.append(copy)
    return made


def test_mutants_never_reach_beyond_the_engine_process(good: Path, tmp_path: Path) -> None:
    waiting = [str(path) for path in mutants(good, tmp_path)]
    outcomes: list[str] = []
    while waiting:
        child = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", CHILD, *waiting],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        told = [line[3:] for line in child.stdout.splitlines() if line.startswith("=> ")]
        outcomes += told
        del waiting[: len(told)]
        if child.returncode:
            assert child.returncode < 0, child.stderr[-2000:]  # a signal, not an error of ours
            outcomes.append(str(child.returncode))
            del waiting[0]
    assert len(outcomes) == MUTANTS
    # Weights are numbers like any others; the structure is not.
    assert 20 < outcomes.count(SERVES) < MUTANTS - 20
