"""A folder of ONNX weights as an engine's spec, and short ways to ask a backend."""

import json
from collections.abc import Sequence
from contextlib import aclosing
from pathlib import Path
from typing import Any

from app.domain.messages import Message
from app.domain.options import GenerationOptions
from app.engine.backends.base import BackendEvent, End, Piece
from app.engine.backends.onnx import OnnxBackend
from app.engine.spec import EngineSpec, OnnxSpec

GREEDY = GenerationOptions(temperature=0, max_tokens=24)


def spec_of(folder: Path, directory: Path, **changes: Any) -> EngineSpec:
    """What a folder of onnxruntime-genai's builder says."""
    facts = json.loads((folder / "genai_config.json").read_text())["model"]
    names = json.loads((folder / "tokenizer_config.json").read_text())
    ends = facts["eos_token_id"]
    fields: dict[str, Any] = {
        "backend": "onnx",
        "directory": str(directory),
        "id": folder.name,
        "path": str(folder / "model.onnx"),
        "context_length": 1024,
        "slots": 4,
        "threads": 2,
        "use_gpu": "false",
        "onnx": OnnxSpec(
            tokenizer=str(folder / "tokenizer.json"),
            chat_template=(folder / "chat_template.jinja").read_text(),
            special_tokens={
                name: text
                for name, text in names.items()
                if name.endswith("_token") and isinstance(text, str)
            },
            end_tokens=tuple(ends) if isinstance(ends, list) else (ends,),
            head_size=facts["decoder"]["head_size"],
        ),
    }
    return EngineSpec(**{**fields, **changes})


async def run(
    backend: OnnxBackend,
    prompt: Sequence[int],
    options: GenerationOptions = GREEDY,
    slot: int = 0,
    reuse: bool = False,
) -> list[BackendEvent]:
    """All events of a generation."""
    async with aclosing(backend.generate(list(prompt), options, slot, reuse)) as events:
        return [event async for event in events]


async def ask(
    backend: OnnxBackend,
    text: str,
    options: GenerationOptions = GREEDY,
    slot: int = 0,
    reuse: bool = False,
) -> list[BackendEvent]:
    prompt = await backend.prompt([Message("user", text)])
    return await run(backend, prompt, options, slot, reuse)


def text_of(events: Sequence[BackendEvent]) -> str:
    return "".join(event.text for event in events if isinstance(event, Piece))


def tokens_of(events: Sequence[BackendEvent]) -> list[int]:
    return [token for event in events if isinstance(event, Piece) for token in event.tokens]


def end_of(events: Sequence[BackendEvent]) -> End:
    end = events[-1]
    assert isinstance(end, End)
    return end
