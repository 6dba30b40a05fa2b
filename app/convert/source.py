"""The weights that are converted, as a folder of safetensors with a configuration and a
tokenizer: a folder as it is, a GGUF file dequantized.
"""

import gc
import json
import shutil
from pathlib import Path
from typing import Any, Final

from msgspec import Struct

from app.convert import builder_config
from app.convert.errors import ConvertError
from app.weights import ensure
from app.weights.catalog import find
from app.weights.gguf_header import GgufHeader
from app.weights.json_files import Config, read_json, read_object
from app.weights.memory import available_bytes
from app.weights.preflight import check
from app.weights.sizes import human_bytes
from app.weights.store import sha256_of
from app.weights.task import Task

# By model_type of config.json: what the builder makes graphs for.
FAMILIES: Final = frozenset(
    {"llama", "qwen2", "qwen3", "phi", "phi3", "mistral", "gemma", "gemma2", "gemma3_text"}
)
# By general.architecture: what `transformers` dequantizes of these.
GGUF_FAMILIES: Final = frozenset({"llama", "qwen2", "qwen3", "phi3", "mistral", "gemma2", "gemma3"})
# Dequantized weights in 32 bits, and once more while they are stored.
BYTES_PER_PARAMETER: Final = 8
COPIED: Final = (
    "config.json",
    "generation_config.json",
    "special_tokens_map.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "chat_template.jinja",
)


class Source(Struct, frozen=True):
    """What is converted: a GGUF file or a folder of safetensors, and what is known of it.
    `sha256` is a file's; `header` None for a folder."""

    path: Path
    name: str
    header: GgufHeader | None = None
    sha256: str | None = None
    languages: tuple[str, ...] = ()
    license: str | None = None


def find_source(name_or_path: str, data_dir: Path, task: Task) -> Source:
    """A path, or a name of the catalogue, which is fetched. Raises WeightsError for what cannot
    be converted, before any work is done."""
    path = Path(name_or_path).expanduser()
    if path.is_dir():
        _check_folder(path)
        return Source(path.absolute(), path.absolute().name)
    weights = ensure(name_or_path, data_dir, task)
    if weights.format != "gguf":
        raise ConvertError("convert_onnx_already", file=Path(weights.path).name)
    path = Path(weights.path)
    header = _check_gguf(path)
    entry = find(weights.entry or "")
    return Source(
        path=path,
        name=weights.id,
        header=header,
        sha256=weights.sha256 or sha256_of(path, task),
        languages=weights.languages or header.languages,
        license=entry.license if entry else header.license,
    )


def _check_gguf(path: Path) -> GgufHeader:
    header = check(path)
    if header.architecture not in GGUF_FAMILIES:
        raise _unknown_family(path, header.architecture, GGUF_FAMILIES)
    needed, free = header.parameters * BYTES_PER_PARAMETER, available_bytes()
    if needed > free:
        shown = {"needed": human_bytes(needed), "free": human_bytes(free)}
        raise ConvertError("convert_memory", file=path.name, **shown)
    return header


def _check_folder(path: Path) -> None:
    config = path / "config.json"
    if not config.exists():
        raise ConvertError("convert_not_a_source", file=path.name, missing="config.json")
    if not list(path.glob("*.safetensors")):
        raise ConvertError("convert_not_a_source", file=path.name, missing="*.safetensors")
    if not (path / "tokenizer.json").exists():
        raise ConvertError("convert_not_a_source", file=path.name, missing="tokenizer.json")
    family = read_json(config, Config).model_type
    if family not in FAMILIES:
        raise _unknown_family(path, family, FAMILIES)
    settings = read_object(config)
    if "quantization_config" in settings:
        raise ConvertError("convert_quantized_source", file=path.name)
    builder_config.refuse_unknown(path.name, settings)


def _unknown_family(path: Path, family: str, known: frozenset[str]) -> ConvertError:
    families = ", ".join(sorted(known))
    return ConvertError(
        "convert_unknown_family", file=path.name, family=family[:40] or "-", known=families
    )


def parameters_of(folder: Path) -> int:
    """Counted from the headers of the safetensors files."""
    from safetensors import safe_open

    total = 0
    for file in sorted(folder.glob("*.safetensors")):
        with safe_open(file, "np") as tensors:
            for name in tensors.keys():  # noqa: SIM118 - not a dict
                count = 1
                for size in tensors.get_slice(name).get_shape():
                    count *= size
                total += count
    return total


def dequantize(file: Path, folder: Path, task: Task) -> None:
    """Write a GGUF file's weights to `folder` as safetensors in 32 bits, with its tokenizer and
    its configuration, as far as `transformers` reads them from the file."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    where = {"pretrained_model_name_or_path": str(file.parent), "gguf_file": file.name}
    tokenizer: Any = AutoTokenizer.from_pretrained(**where, local_files_only=True)
    task.check()
    read: Any = AutoModelForCausalLM.from_pretrained(
        **where, dtype=torch.float32, local_files_only=True
    )
    task.check()
    # What was read remembers that it was quantized; a new one of its class does not.
    read.config.__dict__.pop("quantization_config", None)
    plain = type(read)(read.config)
    plain.load_state_dict(read.state_dict())
    plain.generation_config = read.generation_config
    del read
    gc.collect()
    task.check()
    plain.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    _tidy(folder / "config.json")


def _tidy(path: Path) -> None:
    config = json.loads(path.read_text(encoding="utf-8"))
    for key in ("quantization_config", "_name_or_path", "_model_name_or_path"):
        config.pop(key, None)
    path.write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")


def copy_companions(source: Path, target: Path) -> None:
    """What the engine needs beside the graph, unless the builder has written it."""
    for name in COPIED:
        if (source / name).exists() and not (target / name).exists():
            shutil.copyfile(source / name, target / name)
