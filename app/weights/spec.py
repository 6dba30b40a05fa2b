"""Which weights to load: the answer of `ensure`, the question to an engine."""

from typing import Literal

from msgspec import Struct

WeightsFormat = Literal["gguf", "onnx"]
# What a GGUF file can be re-quantised to.
Form = Literal["Q8_0", "Q5_1", "Q5_0", "Q4_1", "Q4_0"]


class ModelSpec(Struct, frozen=True):
    """Weights in place. `id` is what clients call the model, `[a-z0-9._-]+`. `entry` is the
    catalogue's name if they come from there; then `sha256` (hex) has been checked, and
    `languages` (ISO 639-1) are what the catalogue claims. `made_from` is the quantization of the
    file that they were made from on this machine, "" for weights as they came.
    """

    id: str
    path: str
    format: WeightsFormat = "gguf"
    entry: str | None = None
    languages: tuple[str, ...] = ()
    sha256: str | None = None
    made_from: str = ""
