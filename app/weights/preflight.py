"""An honest look at a weights file before an engine loads it: GGUF that can chat, and whole.

The bytes of the header are gguf_header's; whether memory suffices is memory's.
"""

import os
import re
from pathlib import Path
from typing import Final

import msgspec

from app.weights.errors import WeightsError
from app.weights.gguf_header import GgufHeader, read_header
from app.weights.opening import opened
from app.weights.other_formats import refuse_other_format

SPLIT: Final = re.compile(r"^(?P<stem>.+)-(?P<number>\d{5})-of-(?P<count>\d{5})\.gguf$")
MAX_PARTS: Final = 1000
# Architectures of llama.cpp that embed, rank, see or hear, but do not write text.
NOT_GENERATIVE: Final = frozenset(
    {
        "bert",
        "eurobert",
        "gemma-embedding",
        "jina-bert-v2",
        "jina-bert-v3",
        "llama-embed",
        "modern-bert",
        "neo-bert",
        "nomic-bert",
        "nomic-bert-moe",
        "clip",
        "t5encoder",
        "wavtokenizer-dec",
    }
)


def check(path: Path) -> GgufHeader:
    """The header of the weights at `path`; for split weights, of all parts together.

    Reads headers only. Raises WeightsError that says what is wrong and what to do.
    """
    split = SPLIT.match(path.name)
    if split is None or split["count"] == "00001":
        header = _check_file(path)
        _refuse_silent(header, path.name)
        return header
    headers = [_check_file(part) for part in _parts(path, split)]
    _refuse_silent(headers[0], path.name)
    return msgspec.structs.replace(
        headers[0],
        tensor_count=sum(header.tensor_count for header in headers),
        parameters=sum(header.parameters for header in headers),
        tensor_bytes=sum(header.tensor_bytes for header in headers),
        file_bytes=sum(header.file_bytes for header in headers),
    )


def _check_file(path: Path) -> GgufHeader:
    """One file: regular, readable, GGUF, and as long as its header says."""
    with opened(path) as (file, size):
        if size == 0:
            raise WeightsError("weights_empty", file=path.name)
        refuse_other_format(os.pread(file, 512, 0), path.name)
        header = read_header(file, size, path.name)
    if header.file_bytes > size:
        missing, needed = header.file_bytes - size, header.file_bytes
        raise WeightsError("weights_truncated", file=path.name, missing=missing, needed=needed)
    if header.tensor_count == 0 and header.split_count < 2:
        raise WeightsError("weights_vocabulary_only", file=path.name)
    return header


def parts(path: Path) -> list[Path]:
    """The files of checked weights, named by the first."""
    split = SPLIT.match(path.name)
    return [path] if split is None else _parts(path, split)


def _parts(path: Path, split: re.Match[str]) -> list[Path]:
    """All parts of split weights, in order, named by their first."""
    count = int(split["count"])
    if not 0 < count <= MAX_PARTS:
        what = f"number of parts = {count}"
        raise WeightsError("weights_absurd_header", file=path.name, what=what)
    names = [f"{split['stem']}-{number + 1:05}-of-{count:05}.gguf" for number in range(count)]
    if path.name != names[0]:
        raise WeightsError("weights_not_first_part", file=path.name, first=names[0])
    parts = [path.with_name(name) for name in names]
    missing = [part.name for part in parts if not part.exists()]
    if missing:
        some = ", ".join(missing[:5]) + (", …" if len(missing) > 5 else "")
        raise WeightsError("weights_split_missing", file=path.name, count=count, missing=some)
    return parts


def _refuse_silent(header: GgufHeader, name: str) -> None:
    """Weights that do not write text: encoders, rerankers, projectors, adapters."""
    writes = header.architecture not in NOT_GENERATIVE and header.type == "model"
    if writes and header.causal and header.pooling_type == 0 and header.vocabulary_size:
        return
    kind = header.architecture if header.type == "model" else header.type
    raise WeightsError("weights_not_a_chat_model", file=name, architecture=kind[:40] or "nameless")
