"""Which graph of a folder is taken, where its weights may lie, and mutated folders."""

import os
import resource
import subprocess
import sys
from pathlib import Path
from random import Random

import pytest

from app.weights import WeightsError, ensure
from app.weights.onnx_preflight import check
from tests.weights.onnx_builder import (
    EMBEDDING,
    GATHER,
    Data,
    build,
    message,
    node,
    tensor,
    write_folder,
)

MUTANTS = 300
ROOT = Path(__file__).parents[2]
# Prints how many folders were refused; any other error ends it with a traceback.
CHILD = """
import resource, sys
from pathlib import Path
from app.weights.errors import WeightsError
from app.weights.onnx_preflight import check
used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
refused = 0
for path in sorted(Path(sys.argv[1]).glob("*/model.onnx")):
    try:
        check(path)
    except WeightsError:
        refused += 1
print(refused, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - used)
"""
BYTES = 10 * 8 * 4


@pytest.mark.parametrize(
    ("names", "chosen"),
    [
        (["model.onnx"], "model.onnx"),
        (["model_q4.onnx", "model.onnx", "model_fp16.onnx"], "model.onnx"),
        (["model_q4f16.onnx", "model_q4.onnx", "model_quantized.onnx"], "model_quantized.onnx"),
        (["onnx/model_q4.onnx", "onnx/model_bnb4.onnx"], "onnx/model_q4.onnx"),
        (["model.onnx", "onnx/model_q4.onnx"], "model.onnx"),
        (["something.onnx"], "something.onnx"),
    ],
)
def test_the_graph_of_a_folder(tmp_path: Path, names: list[str], chosen: str) -> None:
    folder = tmp_path / "My-Model"
    for name in names:
        write_folder(folder, name)
    spec = ensure(str(folder), tmp_path / "data")
    assert (spec.format, spec.path) == ("onnx", str(folder / chosen))
    assert spec.id == ("something" if chosen == "something.onnx" else "my-model")


def test_the_file_that_genai_config_names_is_taken(tmp_path: Path) -> None:
    write_folder(tmp_path, "model.onnx")
    other = write_folder(tmp_path, "other.onnx")
    config = tmp_path / "genai_config.json"
    config.write_text('{"model": {"decoder": {"filename": "other.onnx"}}}')
    assert ensure(str(tmp_path), tmp_path).path == str(other)
    config.write_text('{"model": {"decoder": {"filename": "../other.onnx"}}}')
    with pytest.raises(WeightsError) as caught:
        ensure(str(tmp_path), tmp_path)
    assert caught.value.text == "weights_onnx_outside"


def test_several_graphs_without_a_usual_name_are_listed(tmp_path: Path) -> None:
    write_folder(tmp_path, "b.onnx")
    write_folder(tmp_path, "a.onnx")
    with pytest.raises(WeightsError, match=r"a\.onnx, b\.onnx"):
        ensure(str(tmp_path), tmp_path)


def test_a_single_file_has_its_own_name(tmp_path: Path) -> None:
    path = write_folder(tmp_path / "models", "qwen-2.5-0.5b.onnx")
    spec = ensure(str(path), tmp_path)
    assert (spec.id, spec.path) == ("qwen-2.5-0.5b", str(path))
    assert check(path).end_tokens == (2,)


def external(location: str, offset: int | str = 0, length: int | str | None = BYTES) -> bytes:
    data = Data(location, offset, length)
    return build(nodes=[GATHER], tensors=[tensor("embed", (10, 8), data=data)])


def test_weights_beside_the_graph_are_counted(tmp_path: Path) -> None:
    path = write_folder(tmp_path, content=external("model.onnx.data", 64))
    (tmp_path / "model.onnx.data").write_bytes(bytes(64 + BYTES))
    header = check(path)
    assert header.parameters == 80
    assert header.weight_bytes == path.stat().st_size + 64 + BYTES
    assert header.data == (tmp_path / "model.onnx.data",)


@pytest.mark.parametrize(
    ("location", "text"),
    [
        ("../secret", "weights_onnx_outside"),
        ("a/../../secret", "weights_onnx_outside"),
        ("/etc/passwd", "weights_onnx_outside"),
        ("..\\secret", "weights_onnx_outside"),
        ("C:secret", "weights_onnx_outside"),
        ("", "weights_onnx_outside"),
        (".", "weights_onnx_outside"),
        ("nothing", "weights_onnx_data_missing"),
        ("symbolic", "weights_onnx_link"),
        ("hard", "weights_onnx_link"),
        ("linked/data", "weights_onnx_link"),
        ("fifo", "weights_not_regular"),
        ("folder", "weights_not_regular"),
        ("short", "weights_truncated"),
        ("short/x", "weights_unreadable"),
    ],
)
def test_weights_elsewhere_are_refused(tmp_path: Path, location: str, text: str) -> None:
    folder = tmp_path / "tiny"
    path = write_folder(folder, content=external(location))
    secret = tmp_path / "secret"
    secret.write_bytes(bytes(BYTES))
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "data").write_bytes(bytes(BYTES))
    (folder / "linked").symlink_to(tmp_path / "elsewhere")
    (folder / "symbolic").symlink_to(secret)
    (folder / "hard").hardlink_to(secret)
    (folder / "folder").mkdir()
    (folder / "short").write_bytes(bytes(BYTES - 1))
    os.mkfifo(folder / "fifo")
    with pytest.raises(WeightsError) as caught:
        check(path)
    assert caught.value.text == text


def test_tensors_in_nodes_and_functions_are_looked_at_too(tmp_path: Path) -> None:
    secret = tensor("x", (10, 8), data=Data("../secret"))
    constant = node("Constant", [], message(5, message(1, "value") + message(5, secret)))
    branch = node("If", [], message(5, message(1, "then") + message(6, message(5, secret))))
    function = message(25, message(1, "f") + message(7, constant))
    for content in (
        build(nodes=[constant]),
        build(nodes=[branch]),
        build(extra=function),
    ):
        with pytest.raises(WeightsError) as caught:
            check(write_folder(tmp_path, content=content))
        assert caught.value.text == "weights_onnx_outside"


@pytest.mark.parametrize(
    ("offset", "length"),
    [("-1", BYTES), ("x", BYTES), (0, "99999999999999999999"), (0, BYTES + 1), ("１", BYTES)],
)
def test_absurd_places_are_refused(
    tmp_path: Path, offset: int | str, length: int | str | None
) -> None:
    path = write_folder(tmp_path, content=external("data", offset, length))
    (tmp_path / "data").write_bytes(bytes(BYTES))
    with pytest.raises(WeightsError) as caught:
        check(path)
    assert caught.value.text == "weights_absurd_header"


def test_subgraphs_without_end_are_refused(tmp_path: Path) -> None:
    body = EMBEDDING
    for _ in range(200):
        inner = message(1, node("If", [], message(5, message(6, body))))
        body = inner
    path = write_folder(
        tmp_path, content=build(nodes=[node("If", [], message(5, message(6, body)))])
    )
    with pytest.raises(WeightsError, match="depth of subgraphs"):
        check(path)


def _mutant(random: Random, content: bytes) -> bytes:
    mutant = bytearray(content)
    for _ in range(random.choice([1, 1, 2, 8])):
        at = random.randrange(len(mutant))
        mutant[at] = random.choice([0, 0x7F, 0x80, 0xFF, random.randrange(256)])
    return bytes(mutant[: random.randrange(len(mutant)) if random.random() < 0.2 else None])


def test_mutants_are_refused_or_read_in_little_memory(tmp_path: Path) -> None:
    random = Random(20260101)
    for index in range(MUTANTS):
        folder = tmp_path / str(index)
        write_folder(folder, content=external("data"))
        (folder / "data").write_bytes(bytes(BYTES))
        victim = folder / random.choice(
            ["model.onnx", "model.onnx", "config.json", "tokenizer.json"]
        )
        victim.write_bytes(_mutant(random, victim.read_bytes()))
    child = subprocess.run(
        [sys.executable, "-c", CHILD, str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30)),
    )
    assert child.stderr == ""
    refused, kilobytes = map(int, child.stdout.split())
    # Some mutations only touch names or texts, so not all are refused.
    assert MUTANTS // 3 < refused < MUTANTS
    assert kilobytes < 200_000
