"""The demo that sees, in its ONNX layouts: the same pictures and answers as through llama.cpp."""

from contextlib import aclosing
from pathlib import Path

import pytest

from app.config import Settings
from app.domain.messages import Message
from app.domain.options import GenerationOptions
from app.engine.backends.base import Piece
from app.engine.backends.onnx import OnnxBackend
from app.provider.vision_plan import vision_spec
from app.weights.shapes_demo import NAME, Kind, folder
from app.weights.task import Task
from tests.shapes import picture, questions

GREEDY = GenerationOptions(temperature=0, max_tokens=16)


async def answer(backend: OnnxBackend, message: Message) -> str:
    prompt = await backend.prompt([message])
    async with aclosing(backend.generate(prompt, GREEDY, 0, False)) as events:
        return "".join([event.text async for event in events if isinstance(event, Piece)])


@pytest.mark.parametrize("kind", ["onnx", "hyperclovax"])
async def test_it_sees(kind: Kind, tmp_path: Path) -> None:
    path = NAME if kind == "onnx" else str(folder(kind))
    settings = Settings(use_gpu="false", parallel_slots=1, context_length=1024)
    backend = OnnxBackend.load(vision_spec(path, tmp_path, settings, Task()))
    await backend.open()
    try:
        said = [
            await answer(backend, Message("user", each["question"], (picture(tmp_path, number),)))
            for number, each in enumerate(questions())
        ]
    finally:
        await backend.close()
    assert said == [each["answer"] for each in questions()]
