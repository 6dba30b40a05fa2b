"""ONNX weights: the backend over our own slots on plain onnxruntime (app.engine.onnx).

Text is prepared on one thread, the batch is computed on another; the event loop only waits.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from app.domain.errors import SllmError
from app.domain.messages import Message
from app.domain.model_info import ModelInfo, Notice
from app.domain.options import GenerationOptions
from app.domain.tools import Tool
from app.engine.backends.base import (
    BackendDied,
    BackendEvent,
    End,
    LoadError,
    refuse_images,
    refuse_tools,
)
from app.engine.backends.chat_prompt import ChatPrompt, PlainPrompt, TemplateRefused
from app.engine.backends.seeing_prompt import SeeingPrompt, contents_of
from app.engine.backends.tool_prompt import knows_tools, opens_thoughts
from app.engine.onnx import slot_files
from app.engine.onnx.batch import Batch
from app.engine.onnx.chat_template import ChatTemplate
from app.engine.onnx.guidance import Guide, guide
from app.engine.onnx.loading import Loaded, load
from app.engine.onnx.sequence import Outcome, Request, request_of
from app.engine.onnx.sequence import Sequence as RunningSequence
from app.engine.onnx.step_loop import StepLoop
from app.engine.onnx.tokenizer import TextStream, TextTokenizer, Vocabulary
from app.engine.onnx.vision.seeing import Seeing
from app.engine.spec import EngineSpec, OnnxSpec
from app.engine.stop import StopFilter

T = TypeVar("T")
# A GPU wants large batches; the answer to a cancel is still quick there.
GPU_BATCH = 512


class OnnxBackend:
    """Loaded ONNX weights. Build it with `load` (blocking), then `await open()`."""

    def __init__(self, spec: EngineSpec, batch: Batch, loaded: Loaded) -> None:
        beside = _beside(spec)
        self._batch = batch
        tokenizer = Path(beside.tokenizer)
        self._vocabulary = Vocabulary(
            tokenizer, loaded.graph.vocabulary, beside.end_tokens, spec.id
        )
        # Those that the weights name, else the one that the tokenizer does.
        self._end_tokens = frozenset(self._vocabulary.guidance.eos_tokens)
        self._seeing = Seeing(spec, loaded.eyes) if loaded.eyes is not None else None
        texts = Texts(tokenizer, beside, spec.id, self._seeing)
        self._texts = texts
        self._prompt = texts.prompt()
        self.info = _info(spec, loaded, chunk=batch.chunk, texts=texts)
        self.kv_format = slot_files.kv_format(loaded.slots)
        self._slots = loaded.slots

    @classmethod
    def load(cls, spec: EngineSpec) -> "OnnxBackend":
        """Read the weights; takes as long as it takes. Raises LoadError."""
        loaded = load(spec, _beside(spec).head_size)
        chunk = spec.batch if loaded.device == "cpu" else GPU_BATCH
        batch = Batch(loaded.graph, loaded.slots, chunk)
        return cls(spec, batch, loaded)

    async def open(self) -> None:
        self._texts.open()
        if self._seeing is not None:
            self._seeing.open()
        self._steps = StepLoop(self._batch)

    async def prompt(
        self, messages: Sequence[Message], tools: Sequence[Tool] = (), owner: str = ""
    ) -> list[int]:
        if self._seeing is None:
            refuse_images(messages)
        if not self.info.tools:
            refuse_tools(messages, tools)
        return await self._prompt.ids(messages, tools, owner)

    def forget(self, owner: str) -> None:
        self._prompt.forget(owner)

    async def continued(self, text: str) -> list[int]:
        return await self._texts.opening(text)

    async def image_tokens(self, message: Message) -> tuple[int, ...]:
        if self._seeing is None:
            refuse_images([message])
            return ()
        return await self._seeing.tokens(message)

    async def tokens(self, text: str) -> list[int]:
        return await self._texts.tokenize(text, parse_special=False)

    async def generate(
        self,
        prompt: list[int],
        options: GenerationOptions,
        slot: int,
        reuse: bool,
        held: int | None = None,
    ) -> AsyncGenerator[BackendEvent, None]:
        outcomes: asyncio.Queue[Outcome] = asyncio.Queue()
        began = time.monotonic()
        sight = await self._seeing.sight(prompt) if self._seeing is not None else None
        seen_ms = (time.monotonic() - began) * 1000
        window = self.info.context_length
        sequence = RunningSequence(
            request=request_of(
                Request(prompt, options, slot, reuse, sight, seen_ms),
                window=window,
                vocabulary=self._vocabulary.size,
            ),
            text=TextStream(self._vocabulary),
            stop=StopFilter((*options.stop, *self._prompt.stop)),
            guide=await self._guide(options),
            end_tokens=self._end_tokens,
            deliver=outcomes.put_nowait,
        )
        self._steps.submit(sequence)
        try:
            while True:
                outcome = await outcomes.get()
                if isinstance(outcome, SllmError | BackendDied):
                    raise outcome
                yield outcome
                if isinstance(outcome, End):
                    return
        finally:
            self._steps.leave(sequence)

    async def _guide(self, options: GenerationOptions) -> Guide | None:
        if options.response_format.type == "text":
            return None
        return await self._texts.run(
            lambda: guide(self._vocabulary.guidance, options.response_format)
        )

    async def save_slot(self, slot: int, tokens: Sequence[int], file: Path) -> int:
        count, rows = await self._steps.run(lambda: slot_files.rows_of(self._slots, slot, tokens))
        await asyncio.to_thread(slot_files.write, file, rows)
        return count

    async def restore_slot(self, slot: int, tokens: Sequence[int], file: Path) -> bool:
        try:
            rows = await asyncio.to_thread(slot_files.read, file, self._slots, len(tokens))
        except OSError:
            return False
        if rows is None:
            return False
        await self._steps.run(lambda: slot_files.place(self._slots, slot, tokens, rows))
        return True

    async def close(self) -> None:
        await self._steps.close()
        self._texts.close()
        if self._seeing is not None:
            self._seeing.close()


class Texts:
    """The weights' tokenizer and chat template, on a thread of their own: a long text must not
    keep the event loop from the others' tokens."""

    def __init__(
        self, tokenizer: Path, beside: OnnxSpec, model: str, seeing: Seeing | None = None
    ) -> None:
        more = seeing.control_tokens if seeing else ()
        self._tokenizer = TextTokenizer(tokenizer, model, more)
        self.control_tokens = self._tokenizer.control_tokens
        self._model = model
        self._seeing = seeing
        text = beside.chat_template or (seeing.fallback_template if seeing else "")
        self._template: ChatTemplate | None = None
        if text:
            self._template = ChatTemplate(text, beside.special_tokens, model)
            if seeing is None:  # Those of models that see are tried with images: contents_of.
                self._template.try_once(model)
        # That of a model that sees is written by its family, which knows no tools.
        known = self._template if seeing is None else None
        self.tools = knows_tools(known, TemplateRefused)
        self.thinks = opens_thoughts(known, TemplateRefused)

    def prompt(self) -> ChatPrompt | PlainPrompt:
        """How messages become ids. Raises LoadError."""
        if self._template is None:
            return PlainPrompt(self)
        if self._seeing is None:
            return ChatPrompt(self, self.control_tokens)
        contents = contents_of(self._template, self._seeing, self._model)
        places = self._tokenizer.ids(self._seeing.placeholder, control=True)
        if len(places) != 1:
            name = self._seeing.placeholder
            raise LoadError("vision_placeholder", model=self._model, name=name)
        return SeeingPrompt(self, self.control_tokens, self._seeing, contents, places[0])

    def open(self) -> None:
        self._thread = ThreadPoolExecutor(1, "onnx-texts")

    async def run(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    async def tokenize(
        self, text: str, *, parse_special: bool, add_special: bool = False
    ) -> list[int]:
        # A chat template writes the tokens around the text itself.
        ends = add_special and self._template is None
        # Runs of plain text stand between control tokens.
        middle = not parse_special and not add_special
        return await self.run(
            lambda: self._tokenizer.ids(text, control=parse_special, ends=ends, middle=middle)
        )

    async def opening(self, text: str) -> list[int]:
        """A text with the tokens that the tokenizer puts around one."""
        return await self.run(lambda: self._tokenizer.ids(text, control=False, ends=True))

    async def apply_template(
        self, messages: list[dict[str, Any]], tools: list[dict[str, Any]]
    ) -> str:
        assert self._template is not None
        template = self._template
        return await self.run(lambda: template.render(messages, tools))

    def close(self) -> None:
        self._thread.shutdown(wait=False)


def _beside(spec: EngineSpec) -> OnnxSpec:
    assert spec.onnx is not None
    return spec.onnx


def _info(spec: EngineSpec, loaded: Loaded, chunk: int, texts: Texts) -> ModelInfo:
    warnings = [*spec.notices, *loaded.notices]
    if not _beside(spec).chat_template:
        warnings.append(Notice("no_chat_template", {"model": spec.id}))
    return ModelInfo(
        id=spec.id,
        format="onnx",
        architecture=spec.architecture,
        quantization=spec.quantization,
        parameters=spec.parameters,
        languages=spec.languages,
        context_length=spec.context_length,
        training_context_length=spec.training_context_length,
        slots=spec.slots,
        device=loaded.device,
        # All or none: a graph is not divided by layers.
        gpu_layers=0 if loaded.device == "cpu" else len(loaded.layout.caches) // 2,
        settings={
            "batch": chunk,
            "threads": spec.threads,
            "kv_cache": loaded.layout.precision,
            "kv_cache_tokens": spec.context_length * spec.slots,
            **spec.told,
        },
        warnings=tuple(warnings),
        vision=spec.vision,
        tools=texts.tools,
        thinks=texts.thinks,
    )
