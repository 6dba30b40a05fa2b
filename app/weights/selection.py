"""Which files of a repository make a model that can be served, or converted."""

from typing import Final, Literal

from msgspec import Struct

from app.weights.errors import WeightsError
from app.weights.hub_name import HubName
from app.weights.onnx_files import GRAPH_FOLDER, PREFERENCE
from app.weights.preflight import SPLIT
from app.weights.repository import RemoteFile, Repository

Kind = Literal["gguf", "onnx", "safetensors"]
# The best for its size first, as most repositories of GGUF files have them.
QUANTIZATIONS: Final = ("Q4_K_M", "Q4_K_S", "Q4_1", "Q4_0", "Q5_K_M", "Q8_0", "F16", "BF16")
# Beside a graph, or beside safetensors; the rest of a repository is for people.
COMPANIONS: Final = frozenset(
    {
        "added_tokens.json",
        "chat_template.jinja",
        "chat_template.json",
        "config.json",
        "genai_config.json",
        "generation_config.json",
        "merges.txt",
        "preprocessor_config.json",
        "processor_config.json",
        "special_tokens_map.json",
        "tokenizer.json",
        "tokenizer.model",
        "tokenizer_config.json",
        "vocab.json",
    }
)
SHOWN: Final = 12


class Selection(Struct, frozen=True):
    """`files` to fetch; `serve` is the one to name to a server, "" for the whole folder."""

    kind: Kind
    files: tuple[RemoteFile, ...]
    serve: str

    @property
    def bytes(self) -> int:
        return sum(file.size for file in self.files)


def select(repository: Repository, wanted: HubName, vision: bool = False) -> Selection:
    """`vision` brings a GGUF model's mmproj along. Raises WeightsError that names what there
    is."""
    by_name = {file.name: file for file in repository.files}
    if wanted.file is not None:
        chosen = by_name.get(wanted.file) or _ending(repository, wanted.file)
        if chosen is None:
            raise _nothing(repository, "weights_hub_no_file", file=wanted.file)
        return _around(repository, chosen, vision)
    for find in (_gguf, _graph):
        if (chosen := find(repository)) is not None:
            return _around(repository, chosen, vision)
    tensors = [file for file in repository.files if file.name.endswith(".safetensors")]
    if not tensors:
        raise _nothing(repository, "weights_hub_no_weights")
    return Selection("safetensors", (*tensors, *_companions(repository)), "")


def _ending(repository: Repository, text: str) -> RemoteFile | None:
    """A quantization in place of a file's name (`:Q4_K_M`), where it is unmistakable."""
    found = [file for file in _texts(repository) if text.lower() in file.name.lower()]
    return found[0] if len(found) == 1 else None


def _around(repository: Repository, chosen: RemoteFile, vision: bool) -> Selection:
    """The file with all that it cannot do without."""
    if chosen.name.endswith(".gguf"):
        projectors = _projector(repository) if vision else []
        return Selection("gguf", (*_parts(repository, chosen), *projectors), chosen.name)
    if chosen.name.endswith(".onnx"):
        # Weights beyond two gigabytes lie in files that begin with the graph's name.
        data = [file for file in repository.files if file.name.startswith(f"{chosen.name}_data")]
        data += [file for file in repository.files if file.name == f"{chosen.name}.data"]
        return Selection("onnx", (chosen, *data, *_companions(repository)), chosen.name)
    raise _nothing(repository, "weights_hub_no_file", file=chosen.name)


def _texts(repository: Repository) -> list[RemoteFile]:
    return [
        file
        for file in repository.files
        if file.name.endswith(".gguf") and "mmproj" not in file.name.lower() and _is_first(file)
    ]


def _is_first(file: RemoteFile) -> bool:
    part = SPLIT.match(file.name)
    return part is None or part["number"] == "00001"


def _gguf(repository: Repository) -> RemoteFile | None:
    """The only one, else the first of QUANTIZATIONS. Raises WeightsError for a free choice."""
    found = _texts(repository)
    if len(found) < 2:
        return found[0] if found else None
    for quantization in QUANTIZATIONS:
        fitting = [file for file in found if f"{quantization}.".lower() in file.name.lower()]
        if len(fitting) == 1:
            return fitting[0]
    raise _nothing(repository, "weights_hub_choose", example=found[0].name)


def _graph(repository: Repository) -> RemoteFile | None:
    by_name = {file.name: file for file in repository.files}
    # Eight bits are quicker on a CPU than the whole, and lose nothing that matters.
    order = sorted(PREFERENCE, key=lambda name: "int8" not in name and "quantized" not in name)
    names = [f"{folder}{name}" for name in order for folder in ("", f"{GRAPH_FOLDER}/")]
    return next((by_name[name] for name in names if name in by_name), None)


def _parts(repository: Repository, first: RemoteFile) -> list[RemoteFile]:
    split = SPLIT.match(first.name)
    if split is None:
        return [first]
    start, end = f"{split['stem']}-", f"-of-{split['count']}.gguf"
    return [
        file for file in repository.files if file.name.startswith(start) and file.name.endswith(end)
    ]


def _projector(repository: Repository) -> list[RemoteFile]:
    """One mmproj: two in a folder would leave the choice to nobody."""
    found = [file for file in repository.files if "mmproj" in file.name.lower()]
    found.sort(key=lambda file: ("f16" not in file.name.lower().replace("bf16", ""), file.size))
    return found[:1]


def _companions(repository: Repository) -> list[RemoteFile]:
    return [file for file in repository.files if file.name in COMPANIONS]


def _nothing(repository: Repository, text: str, **values: str) -> WeightsError:
    weights = (".gguf", ".onnx", ".safetensors")
    names = [file.name for file in repository.files if file.name.endswith(weights)]
    shown = ", ".join(names[:SHOWN]) + (", …" if len(names) > SHOWN else "")
    return WeightsError(text, repo=repository.repo, found=shown or "-", **values)
