"""A source's configuration in the words that onnxruntime-genai's builder understands: it looks for
one set of angles where Gemma 3 has two, and for windows by layer where Mistral has one for all.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from app.convert.errors import ConvertError
from app.weights.json_files import read_object

CONFIG: Final = "config.json"
GEMMA_3: Final = "gemma3_text"
# Architectures whose `sliding_window`, where it is not null, is every layer's.
ALL_SLIDE: Final = frozenset({"mistral", "phi3"})
# Of Gemma's angles by kind of layer, what the graph can be given.
ANGLES: Final = {"full_attention": ("default", "linear"), "sliding_attention": ("default",)}


def refuse_unknown(file: str, config: Mapping[str, Any]) -> None:
    """Raises ConvertError for what config.json asks for and no graph would do."""
    if not str(config.get("model_type")).startswith("gemma"):
        return
    # Gemma as an encoder: each token sees those that follow.
    if config.get("use_bidirectional_attention"):
        raise _unknown(file, "use_bidirectional_attention", "true", "false")
    angles = config.get("rope_parameters") or {}
    given = {**angles, "full_attention": config.get("rope_scaling") or angles.get("full_attention")}
    for kind, known in ANGLES.items():
        found = given.get(kind) or {}
        name = str(found.get("rope_type", found.get("type", "default")))
        if name not in known:
            raise _unknown(file, "rope_type", name[:40], ", ".join(known))


def _unknown(file: str, setting: str, value: str, known: str) -> ConvertError:
    return ConvertError(
        "convert_unknown_setting", file=file, setting=setting, value=value, known=known
    )


def understood(source: Path, beside: Path) -> Path:
    """`source`, or the folder `beside`, which is made: links to its files and another
    config.json."""
    family = read_object(source / CONFIG).get("model_type")
    if family != GEMMA_3 and family not in ALL_SLIDE:
        return source
    config = _defaults_and_all(source)
    if family == GEMMA_3:
        _tell_angles(config)
    elif not _tell_windows(config):
        return source
    beside.mkdir()
    for file in source.iterdir():
        if file.name != CONFIG:
            (beside / file.name).symlink_to(file.resolve())
    (beside / CONFIG).write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
    return beside


def _defaults_and_all(source: Path) -> dict[str, Any]:
    """What config.json says, and what `transformers` takes for what it does not say."""
    from transformers import AutoConfig

    found: dict[str, Any] = AutoConfig.from_pretrained(str(source), local_files_only=True).to_dict()
    return found


def _tell_angles(config: dict[str, Any]) -> None:
    """Gemma 3: the angles of either kind of layer, where the builder looks for them as well."""
    angles = config["rope_parameters"]
    angles["rope_type"] = "default"
    angles["rope_theta"] = angles["full_attention"]["rope_theta"]
    angles["rope_local_base_freq"] = angles["sliding_attention"]["rope_theta"]


def _tell_windows(config: dict[str, Any]) -> bool:
    """Say of each layer that it slides, if so and if nothing says it."""
    if not config.get("sliding_window") or config.get("layer_types"):
        return False
    config["layer_types"] = ["sliding_attention"] * config["num_hidden_layers"]
    return True
