"""What is known of a loaded model and of its engine, as `/health` shows it."""

from typing import Literal

from msgspec import Struct

ModelStatus = Literal["ready", "loading", "failed", "not_configured"]


class VisionInfo(Struct, frozen=True):
    """What a model that sees makes of an image. `image_size` is the side in pixels of what its
    encoder takes at once, 0 where that varies; `files` are names without folders; `takes_hints`
    is whether its chat template has places for what was read in an image (`ocr`, `lens_*`).
    """

    image_size: int
    patch_size: int
    tokens_min: int
    tokens_max: int
    files: tuple[str, ...] = ()
    license: str | None = None
    takes_hints: bool = False


class ModelInfo(Struct, frozen=True):
    """A loaded model: facts from the weights, and how the engine was set up for them.

    `parameters` counts weights (135 million is 135_000_000); `languages` are ISO 639-1 codes
    that the weights claim, empty when they claim none; `warnings` are i18n keys with values;
    `vision` is None for models of texts only. `tools`: the chat template shows tools to the
    model; `thinks`: it opens the model's thoughts itself, so that answers begin inside of them.
    """

    id: str
    format: Literal["gguf", "onnx", "scripted"]
    architecture: str
    quantization: str
    parameters: int
    languages: tuple[str, ...]
    context_length: int
    training_context_length: int
    slots: int
    device: str
    gpu_layers: int
    settings: dict[str, int | str | bool]
    warnings: tuple["Notice", ...] = ()
    vision: VisionInfo | None = None
    tools: bool = False
    thinks: bool = False


class Notice(Struct, frozen=True):
    """A sentence for people: an i18n key and the values that fill it."""

    text: str
    values: dict[str, str | int | float] = {}
