"""Which files make up ONNX weights: the graph, and what must or may lie beside it.

Looks at names; the contents are json_files' and onnx_graph's business.
"""

import os
import re
from pathlib import Path
from typing import Final

from msgspec import Struct

from app.weights.errors import WeightsError
from app.weights.json_files import GenaiConfig, read_json

# The best quality first, as hubs name their exports; any other name only when it is alone.
PREFERENCE: Final = (
    "model.onnx",
    "model_fp16.onnx",
    "model_quantized.onnx",
    "model_int8.onnx",
    "model_uint8.onnx",
    "model_q4.onnx",
    "model_q4f16.onnx",
    "model_bnb4.onnx",
)
GRAPH_FOLDER: Final = "onnx"
GENAI_CONFIG: Final = "genai_config.json"
CONFIG: Final = "config.json"
TOKENIZER: Final = "tokenizer.json"
TOKENIZER_CONFIG: Final = "tokenizer_config.json"
GENERATION_CONFIG: Final = "generation_config.json"
SPECIAL_TOKENS: Final = "special_tokens_map.json"
CHAT_TEMPLATE: Final = "chat_template.jinja"
CHAT_TEMPLATE_JSON: Final = "chat_template.json"
CARD: Final = "sllm.json"
# What a name in genai_config.json may look like: a file of that very folder.
PLAIN_NAME: Final = re.compile(r"^[^/\\\0]{1,255}\.onnx$")


class OnnxFiles(Struct, frozen=True):
    """The graph, and the places where companions are looked for, first one first."""

    graph: Path
    places: tuple[Path, ...]

    def find(self, name: str) -> Path | None:
        """The companion called `name`, from the first place that has it; a link that leads
        nowhere is there, so that it is named when it is opened."""
        found = (place / name for place in self.places)
        return next((path for path in found if os.path.lexists(path)), None)


def files_of(graph: Path) -> OnnxFiles:
    """For the path of a graph: companions lie in its folder or in the one above."""
    folder = graph.absolute().parent
    return OnnxFiles(graph.absolute(), (folder, folder.parent))


def is_onnx_folder(folder: Path) -> bool:
    return (folder / GENAI_CONFIG).exists() or bool(_graphs(folder))


def choose_graph(folder: Path) -> Path:
    """The graph of a folder: the one that genai_config.json names, else the first of
    PREFERENCE that is there, else the only one. Raises WeightsError that names the choice."""
    graphs = _graphs(folder)
    known = {path.name: path for path in graphs}
    named = _named(folder)
    if named is not None:
        if not PLAIN_NAME.match(named):
            raise WeightsError("weights_onnx_outside", file=GENAI_CONFIG, location=named[:80])
        return folder / named
    for name in PREFERENCE:
        if name in known:
            return known[name]
    if len(graphs) == 1:
        return graphs[0]
    if not graphs:
        raise WeightsError("weights_onnx_no_graph", file=folder.name)
    found = ", ".join(path.name for path in graphs[:5])
    raise WeightsError("weights_onnx_many_graphs", file=folder.name, found=found)


def _named(folder: Path) -> str | None:
    """The file that onnxruntime-genai's configuration names."""
    if not os.path.lexists(folder / GENAI_CONFIG):
        return None
    return read_json(folder / GENAI_CONFIG, GenaiConfig).model.decoder.filename


def _graphs(folder: Path) -> list[Path]:
    """In the folder itself, then in its subfolder `onnx`, as hubs have it."""
    own = sorted(folder.glob("*.onnx"))
    return own or sorted((folder / GRAPH_FOLDER).glob("*.onnx"))


def model_name(graph: Path) -> str:
    """What the weights are called: the file's stem, or the folder's name if it says nothing."""
    if not graph.stem.startswith("model"):
        return graph.stem
    folder = graph.absolute().parent
    return (folder.parent if folder.name == GRAPH_FOLDER else folder).name
