"""Seconds and memory of HyperCLOVA X Vision 3B's vision part at its real size, on random weights.

    python -m benchmarks.vision_full_size [--weights fp16|fp32] [--threads 2]

Writes 0.9 GB of random weights and their graph to a temporary folder, and removes both.
"""

import argparse
import json
import math
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Final

import numpy as np

# VISION.md's [M]: from memory, since the real configuration could not be read.
TOWER: Final[dict[str, Any]] = {
    "model_type": "siglip_vision_model",
    "hidden_size": 1152,
    "intermediate_size": 4304,
    "num_hidden_layers": 27,
    "num_attention_heads": 16,
    "image_size": 378,
    "patch_size": 14,
}
TEXT_WIDTH, QUERIES = 3072, 81
CONFIG: Final[dict[str, Any]] = {
    "model_type": "hyperclovax_vlm",
    "vision_config": TOWER,
    "text_config": {"hidden_size": TEXT_WIDTH},
    "mm_projector_type": "cabstractor",
    "num_queries_vis_abstractor_image": QUERIES,
    "use_nth_layer": -2,
}
GRIDS: Final = (2, 5, 10)


def shapes() -> dict[str, tuple[int, ...]]:
    """Every tensor of the vision part, the last layer of the tower (which is not used) too."""
    width, wide = TOWER["hidden_size"], TOWER["intermediate_size"]
    patches = (TOWER["image_size"] // TOWER["patch_size"]) ** 2
    tower = "vision_model.vision_model."
    found: dict[str, tuple[int, ...]] = {
        f"{tower}embeddings.patch_embedding.weight": (width, 3, 14, 14),
        f"{tower}embeddings.patch_embedding.bias": (width,),
        f"{tower}embeddings.position_embedding.weight": (patches, width),
        "mm_projector.pos_emb": (1, patches, width),
        "image_newline": (TEXT_WIDTH,),
    }
    for index in range(TOWER["num_hidden_layers"]):
        layer = f"{tower}encoder.layers.{index}."
        for part in ("q_proj", "k_proj", "v_proj", "out_proj"):
            found |= _linear(f"{layer}self_attn.{part}", width, width)
        found |= _linear(f"{layer}mlp.fc1", width, wide) | _linear(f"{layer}mlp.fc2", wide, width)
        found |= _norm(f"{layer}layer_norm1", width) | _norm(f"{layer}layer_norm2", width)
    for stage in (0, 2):
        for block in (1, 2, 3):
            found |= _block(f"mm_projector.net.{stage}.b{block}.", width)
    found |= _linear("mm_projector.readout.0", width, TEXT_WIDTH)
    return found | _linear("mm_projector.readout.2", TEXT_WIDTH, TEXT_WIDTH)


def _linear(name: str, inputs: int, outputs: int) -> dict[str, tuple[int, ...]]:
    return {f"{name}.weight": (outputs, inputs), f"{name}.bias": (outputs,)}


def _norm(name: str, width: int) -> dict[str, tuple[int, ...]]:
    return {f"{name}.weight": (width,), f"{name}.bias": (width,)}


def _block(name: str, width: int) -> dict[str, tuple[int, ...]]:
    reduced = round(width / 4)
    found: dict[str, tuple[int, ...]] = {
        f"{name}conv1.conv.weight": (width, width, 1, 1),
        f"{name}conv2.conv.weight": (width, 1, 3, 3),
        f"{name}conv3.conv.weight": (width, width, 1, 1),
        f"{name}se.fc1.weight": (reduced, width, 1, 1),
        f"{name}se.fc1.bias": (reduced,),
        f"{name}se.fc2.weight": (width, reduced, 1, 1),
        f"{name}se.fc2.bias": (width,),
    }
    for part in ("conv1", "conv2", "conv3"):
        found |= _norm(f"{name}{part}.bn", width)
    return found


def write_random(path: Path) -> None:
    """A safetensors file of 16-bit weights, a tensor at a time."""
    header, offset = {}, 0
    for name, shape in shapes().items():
        end = offset + 2 * math.prod(shape)
        header[name] = {"dtype": "F16", "shape": list(shape), "data_offsets": [offset, end]}
        offset = end
    text = json.dumps(header).encode()
    random = np.random.default_rng(1)
    with path.open("wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for name, shape in shapes().items():
            scale = 0.5 / math.sqrt(shape[-1] if len(shape) == 2 else shape[0])
            numbers = random.standard_normal(math.prod(shape), np.float32) * scale
            if len(shape) == 1 and name.endswith("weight"):
                numbers += 1
            file.write(numbers.astype(np.float16).tobytes())


def convert(folder: Path, weights: Any) -> None:
    from app.convert.vision.checkpoint import Checkpoint
    from app.convert.vision.encoder import write_hyperclovax

    write_hyperclovax(Checkpoint(folder), CONFIG, folder / "vision_encoder.onnx", weights)


def run(path: Path, grids: int, threads: int) -> None:
    """One image after another in a session of its own; prints what it took."""
    from app.engine.onnx.session import open_session

    started = time.perf_counter()
    session = open_session(path, threads)
    loaded = time.perf_counter() - started
    random = np.random.default_rng(2)
    size = TOWER["image_size"]
    pixels = random.standard_normal((grids, 3, size, size)).astype(np.float32)
    feeds = {"pixel_values": pixels, "gather_index": np.arange(grids * QUERIES + 1)}
    seconds = []
    for _ in range(3):
        started = time.perf_counter()
        (features,) = session.run(None, feeds)
        seconds.append(time.perf_counter() - started)
    assert np.isfinite(features).all()
    print(f"{grids},{loaded:.1f},{min(seconds):.2f},{_peak():.2f}")


def _peak() -> float:
    """Gigabytes, of this process."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9


def _child(*arguments: str) -> str:
    command = [sys.executable, "-m", "benchmarks.vision_full_size", *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--weights", choices=("fp32", "fp16"), default="fp16")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--convert", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--run", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--grids", type=int, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.convert:
        started = time.perf_counter()
        convert(given.convert, given.weights)
        print(f"{time.perf_counter() - started:.1f} s, {_peak():.2f} GB")
    elif given.run:
        run(given.run, given.grids, given.threads)
    else:
        _all(given.weights, given.threads)


def _all(weights: str, threads: int) -> None:
    with tempfile.TemporaryDirectory(prefix="sllm-vision-") as name:
        folder = Path(name)
        write_random(folder / "model.safetensors")
        parameters = sum(math.prod(shape) for shape in shapes().values())
        print(f"{parameters / 1e6:.0f} million parameters; weights in {weights}")
        print("converting:", _child("--convert", str(folder), "--weights", weights))
        size = sum(file.stat().st_size for file in folder.glob("vision_encoder.onnx*"))
        print(f"on disk: {size / 1e9:.2f} GB")
        print("grids  load s  image s  peak GB")
        for grids in GRIDS:
            where = ("--run", str(folder / "vision_encoder.onnx"))
            told = _child(*where, "--grids", str(grids), "--threads", str(threads)).split(",")
            print(f"{told[0]:>5}  {told[1]:>6}  {told[2]:>7}  {told[3]:>7}")


if __name__ == "__main__":
    main()
