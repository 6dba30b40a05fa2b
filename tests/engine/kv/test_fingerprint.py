"""A cache is only of use to the very same weights, computed the same way."""

from pathlib import Path

from msgspec.structs import replace

from app.engine.kv import opening
from app.engine.spec import EngineSpec, OnnxVisionSpec

SIZE = 3 << 20


def fingerprint(path: Path, kv_format: str, *data: Path) -> str:
    beside = tuple(map(str, data))
    spec = EngineSpec(backend="onnx", directory="", id="m", path=str(path), data=beside)
    return opening.fingerprint(spec, kv_format)


def weights(folder: Path, at: int = 0, byte: int = 0) -> Path:
    path = folder / "model.gguf"
    content = bytearray(SIZE)
    content[at] = byte
    path.write_bytes(content)
    return path


def test_the_same_weights_elsewhere_are_the_same(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    here, there = weights(tmp_path), weights(tmp_path / "there")
    assert fingerprint(here, "f16") == fingerprint(there, "f16")


def test_other_weights_of_the_same_size_are_others(tmp_path: Path) -> None:
    before = fingerprint(weights(tmp_path), "f16")
    assert fingerprint(weights(tmp_path, at=SIZE - 1, byte=1), "f16") != before
    assert fingerprint(weights(tmp_path, at=0, byte=1), "f16") != before


def test_another_way_to_compute_makes_another_cache(tmp_path: Path) -> None:
    path = weights(tmp_path)
    assert fingerprint(path, "one build") != fingerprint(path, "another build")


def test_the_data_beside_a_graph_count(tmp_path: Path) -> None:
    graph = tmp_path / "model.onnx"
    graph.write_bytes(b"graph")
    data = tmp_path / "tensors.bin"
    data.write_bytes(b"weights")
    before = fingerprint(graph, "", data)
    data.write_bytes(b"WEIGHTS")
    assert fingerprint(graph, "", data) != before


def test_what_images_become_counts(tmp_path: Path) -> None:
    path = weights(tmp_path)
    seen = OnnxVisionSpec("family", "", "", {}, {}, cache="")
    spec = EngineSpec(backend="onnx", directory="", id="m", path=str(path), onnx_vision=seen)
    other = replace(spec, onnx_vision=replace(seen, max_grids=2))
    assert opening.fingerprint(spec, "") != opening.fingerprint(other, "")
