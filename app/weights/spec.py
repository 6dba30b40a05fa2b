"""Which weights to load: the answer of `ensure`, the question to an engine."""

from typing import Literal

from msgspec import Struct

WeightsFormat = Literal["gguf", "onnx"]


class ModelSpec(Struct, frozen=True):
    """Weights in place. `id` is what clients call the model, `[a-z0-9._-]+`. `entry` is the
    catalogue's name if they come from there; then `sha256` (hex) has been checked, and
    `languages` (ISO 639-1) are what the catalogue claims.
    """

    id: str
    path: str
    format: WeightsFormat = "gguf"
    entry: str | None = None
    languages: tuple[str, ...] = ()
    sha256: str | None = None
