"""The model that sees: a second engine beside the text model's, or nothing where none is set."""

from collections.abc import AsyncGenerator, Iterable
from contextlib import aclosing
from pathlib import Path

from msgspec.structs import replace

from app.config import Settings
from app.domain.errors import SllmError
from app.domain.generation import GenerationEvent, GenerationRequest
from app.domain.messages import Message, Picture
from app.domain.model_info import ModelInfo, Notice, VisionInfo
from app.engine.spec import EngineSpec
from app.provider.engine_provider import EngineProvider
from app.provider.model_provider import ModelHealth, ModelProvider
from app.provider.preparation import Preparation
from app.weights.task import Task

SCRIPTED_SIGHT = VisionInfo(image_size=0, patch_size=16, tokens_min=1, tokens_max=64)


class VisionProvider(EngineProvider):
    """The ModelProvider of VISION_MODEL_PATH."""

    def __init__(self, path: str, settings: Settings) -> None:
        def make(directory: Path, task: Task) -> EngineSpec:
            # Late: it brings NumPy and Pillow into the worker, and most servers see nothing.
            from app.provider.vision_plan import vision_spec

            return vision_spec(path, directory, settings, task)

        preparation = Preparation(path, settings, make, SCRIPTED_SIGHT)
        super().__init__("vision", preparation, settings.queue_limit)

    async def generate(self, request: GenerationRequest) -> AsyncGenerator[GenerationEvent, None]:
        suited = suited_to(await self.info(), request.messages)
        async with aclosing(super().generate(replace(request, messages=suited))) as events:
            async for event in events:
                yield event

    async def count(self, text: str | None = None, messages: tuple[Message, ...] = ()) -> int:
        return await super().count(text, suited_to(await self.info(), messages))


class NoVision:
    """The ModelProvider where VISION_MODEL_PATH is empty."""

    active = 0

    def start(self) -> None:
        """There is nothing to load."""

    async def stop(self) -> None:
        """Nothing has been started."""

    def health(self) -> ModelHealth:
        return ModelHealth("not_configured", reason=Notice("vision_not_configured"))

    async def info(self) -> ModelInfo:
        raise SllmError("model_unavailable", "vision_not_configured", retry_after=60)

    async def generate(self, request: GenerationRequest) -> AsyncGenerator[GenerationEvent, None]:
        await self.info()
        yield  # type: ignore[misc]  # pragma: no cover

    async def count(self, text: str | None = None, messages: tuple[Message, ...] = ()) -> int:
        await self.info()
        return 0

    def forget(self, owner: str, conversation: str | None) -> None:
        """Nothing is kept."""

    def end_all(self) -> None:
        """Nothing is generated."""


def vision_provider(settings: Settings) -> ModelProvider:
    """The one that the settings ask for."""
    path = settings.vision_model_path
    return VisionProvider(path, settings) if path else NoVision()


def suited_to(info: ModelInfo, messages: Iterable[Message]) -> tuple[Message, ...]:
    """The messages for a model that may have no place for what was read in images: `ocr` becomes
    words of the message. SllmError `unsupported_by_engine` for keywords of the newest one.

    Nobody else decides this: engines put into a prompt what they are given."""
    if info.vision is not None and info.vision.takes_hints:
        return tuple(messages)
    found = tuple(messages)
    newest = found[-1].images if found else ()
    if any(image.lens_keywords or image.lens_local_keywords for image in newest):
        raise SllmError("unsupported_by_engine", "lens_keywords_unsupported", param="images")
    return tuple(map(_in_words, found))


def _in_words(message: Message) -> Message:
    if not message.images:
        return message
    read = [
        f"[Text in image {number}: {image.ocr}]"
        for number, image in enumerate(message.images, 1)
        if image.ocr
    ]
    content = "\n\n".join([*read, message.content])
    return replace(message, content=content, images=tuple(map(_without_hints, message.images)))


def _without_hints(image: Picture) -> Picture:
    return replace(image, ocr="", lens_keywords="", lens_local_keywords="")
