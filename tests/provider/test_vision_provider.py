"""What was read in images, for models with places for it in their prompt and for all others."""

import pytest
from msgspec.structs import replace

from app.domain.errors import SllmError
from app.domain.messages import Message, Picture
from app.domain.model_info import ModelInfo, VisionInfo
from app.provider.vision_provider import SCRIPTED_SIGHT, suited_to

PICTURE = Picture(file="", sha256="0" * 64, width=4, height=4, filename="door.png")
INFO = ModelInfo(
    id="m",
    format="onnx",
    architecture="llava",
    quantization="",
    parameters=1,
    languages=(),
    context_length=256,
    training_context_length=256,
    slots=1,
    device="cpu",
    gpu_layers=0,
    settings={},
)


def told(vision: VisionInfo, *messages: Message) -> tuple[Message, ...]:
    return suited_to(replace(INFO, vision=vision), messages)


def asked(**read: str) -> Message:
    return Message("user", "what?", (PICTURE, replace(PICTURE, **read)))


def test_words_tell_what_was_read() -> None:
    [found] = told(SCRIPTED_SIGHT, asked(ocr="EXIT"))
    assert found.content == "[Text in image 2: EXIT]\n\nwhat?"
    assert found.images == (PICTURE, PICTURE)


def test_a_template_with_places_gets_everything_as_it_is() -> None:
    taking = replace(SCRIPTED_SIGHT, takes_hints=True)
    message = asked(ocr="EXIT", lens_keywords="door", lens_local_keywords="sign")
    assert told(taking, message) == (message,)


@pytest.mark.parametrize("name", ["lens_keywords", "lens_local_keywords"])
def test_keywords_of_the_newest_message_are_refused(name: str) -> None:
    """Older ones were meant for another model, and must not end the conversation."""
    with pytest.raises(SllmError, match="lens_keywords_unsupported"):
        told(SCRIPTED_SIGHT, asked(**{name: "door"}))
    old, _ = told(SCRIPTED_SIGHT, asked(**{name: "door"}), Message("user", "and now?"))
    assert old.images == (PICTURE, PICTURE)
