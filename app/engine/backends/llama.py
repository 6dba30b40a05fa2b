"""llama.cpp through xllamacpp: loads the weights and speaks to its server over a UNIX socket.

Its server answers on a socket in the engine's private
directory and asks for a random key; loading holds the GIL until it is done.
"""

import os
import secrets
from collections.abc import AsyncGenerator, Sequence
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from app.domain.messages import Message
from app.domain.model_info import ModelInfo, Notice
from app.domain.options import GenerationOptions
from app.domain.tools import Tool
from app.engine.backends.base import BackendEvent, LoadError, refuse_images, refuse_tools
from app.engine.backends.chat_prompt import ChatPrompt, PlainPrompt
from app.engine.backends.llama_client import LlamaClient
from app.engine.backends.llama_drafts import draft_from_repetition, refuse_logprobs
from app.engine.backends.llama_gpu import gpu_devices
from app.engine.backends.llama_prefill import Prefill
from app.engine.backends.llama_request import completion_body
from app.engine.backends.llama_slots import SLOTS, SlotFiles, kv_format
from app.engine.backends.llama_stream import follow_completion
from app.engine.backends.llama_texts import LlamaTexts
from app.engine.backends.llama_vision import (
    MARKER,
    MARKER_VARIABLE,
    ImageTokens,
    PictureChatPrompt,
    PicturedPrompt,
    PicturePlainPrompt,
    try_image,
)
from app.engine.scheduling_class import batch_threads
from app.engine.spec import EngineSpec
from app.engine.stop import StopFilter
from app.engine.untouched import release_zeroed

# There when the driver is: then the user should know that this build of the library is in the way.
_NVIDIA = Path("/dev/nvidiactl")
# A GPU wants large batches; the answer to a cancel is still quick there.
GPU_BATCH = 512


def _params(spec: EngineSpec, socket: Path, key: str, on_gpu: bool) -> Any:
    """Every setting that matters, on purpose; the library's defaults suit a desktop tool."""
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = spec.path
    if spec.mmproj is not None:
        params.mmproj.path, params.mmproj_use_gpu = spec.mmproj, on_gpu
        os.environ[MARKER_VARIABLE] = MARKER
    params.model_alias = {spec.id}
    params.hostnames = [str(socket)]
    params.api_keys = [key]
    params.n_ctx = spec.context_length * spec.slots
    params.n_parallel = spec.slots
    params.kv_unified = False
    params.n_batch = params.n_ubatch = GPU_BATCH if on_gpu else spec.batch
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = spec.threads
    params.n_gpu_layers = (999 if spec.gpu_layers is None else spec.gpu_layers) if on_gpu else 0
    # An HTTP thread is held by each open stream; the rest is for tokenizing beside them.
    params.n_threads_http = 2 * spec.slots + 8
    params.cache_ram_mib = 0
    params.n_predict = 1
    params.ctx_shift = False
    params.fit_params = False
    params.endpoint_slots = params.endpoint_metrics = params.endpoint_props = False
    params.slot_save_path = f"{Path(spec.directory) / SLOTS}/"
    params.ui = False
    params.sse_ping_interval = 3600
    params.verbosity = 1
    if spec.speculation == "ngram":
        kinds = xllamacpp.common_speculative_type
        draft_from_repetition(params, kinds.COMMON_SPECULATIVE_TYPE_NGRAM_SIMPLE)
    return params


class LlamaBackend:
    """Loaded GGUF weights. Build it with `load` (blocking), then `await open()`."""

    def __init__(self, spec: EngineSpec, server: Any, socket: Path, key: str, gpus: list[str]):
        self._spec = spec
        self._server = server
        self.socket, self.key = socket, key
        self._client = LlamaClient(socket, key)
        fixed = spec.vision is not None and 0 < spec.vision.tokens_min == spec.vision.tokens_max
        self._images = ImageTokens(self._client, fixed)
        self._texts = LlamaTexts(self._client, spec)
        self._prompt = self._prompts()
        self._prefill = Prefill(self._client, GPU_BATCH if gpus else spec.batch)
        self._slot_files = SlotFiles(self._client, Path(spec.directory))
        # llama.cpp does not save a slot that images may be in.
        self.kv_format = kv_format() if spec.mmproj is None else None
        self.info = _info(spec, gpus, self._texts)

    def _prompts(self) -> ChatPrompt | PlainPrompt:
        client, control_tokens = self._client, self._spec.control_tokens
        match self._spec.mmproj is not None, self._spec.has_chat_template:
            case True, True:
                return PictureChatPrompt(self._texts, client, control_tokens, self._images)
            case True, False:
                return PicturePlainPrompt(client, control_tokens, self._images)
            case _, True:
                return ChatPrompt(self._texts, control_tokens)
        return PlainPrompt(client)

    @classmethod
    def load(cls, spec: EngineSpec) -> "LlamaBackend":
        """Read the weights; takes as long as it takes and holds the GIL. Raises LoadError."""
        import xllamacpp

        gpus = gpu_devices() if spec.use_gpu != "false" and spec.gpu_layers != 0 else []
        if spec.use_gpu == "required" and not gpus:
            raise LoadError("gpu_required")
        socket = Path(spec.directory) / "llama.sock"
        socket.unlink(missing_ok=True)
        (socket.parent / SLOTS).mkdir(mode=0o700, exist_ok=True)
        key = secrets.token_urlsafe(32)
        with StderrTo(Path(spec.directory) / "load.log"), batch_threads():
            try:
                server = xllamacpp.Server(_params(spec, socket, key, bool(gpus)))
            except RuntimeError as error:
                raise LoadError("load_failed", reason=_why(spec, str(error))) from error
        socket.chmod(0o600)
        # Nobody can ask it anything yet.
        release_zeroed()
        return cls(spec, server, socket, key, gpus)

    async def open(self) -> None:
        """Ask the server once, so that the first client does not pay for it."""
        await self._prompt.ids([Message("user", "hi")])
        if self._spec.mmproj is not None:
            tokens = await try_image(self._images, Path(self._spec.directory))
            self.info = replace(self.info, vision=self._images.measured(self._spec.vision, tokens))

    async def prompt(
        self, messages: Sequence[Message], tools: Sequence[Tool] = (), owner: str = ""
    ) -> list[int]:
        if self._spec.mmproj is None:
            refuse_images(messages)
        if not self.info.tools:
            refuse_tools(messages, tools)
        return await self._prompt.ids(messages, tools, owner)

    def forget(self, owner: str) -> None:
        self._prompt.forget(owner)

    async def continued(self, text: str) -> list[int]:
        return await self._client.tokenize(text, parse_special=False, add_special=True)

    async def image_tokens(self, message: Message) -> tuple[int, ...]:
        if self._spec.mmproj is None:
            refuse_images([message])
        return tuple([await self._images.of(picture) for picture in message.images])

    async def tokens(self, text: str) -> list[int]:
        return await self._client.tokenize(text, parse_special=False)

    async def generate(
        self,
        prompt: list[int],
        options: GenerationOptions,
        slot: int,
        reuse: bool,
        held: int | None = None,
    ) -> AsyncGenerator[BackendEvent, None]:
        if self._spec.speculation != "off":
            refuse_logprobs(options)
        sent: list[int] | dict[str, Any] = prompt
        if isinstance(prompt, PicturedPrompt):
            sent, held = await prompt.body(), None
        stop = StopFilter((*options.stop, *self._prompt.stop))
        ahead = self._prefill.ahead(prompt, slot, held)
        try:
            async for progress in ahead.compute():
                yield progress
            body = completion_body(sent, options, slot, reuse or ahead.begun)
            async with self._client.stream("/completion", body) as chunks:
                events = follow_completion(chunks, stop, options.logprobs or 0)
                async for event in ahead.followed(events):
                    yield event
        finally:
            await ahead.close()

    async def save_slot(self, slot: int, tokens: Sequence[int], file: Path) -> int:
        return min(len(tokens), await self._slot_files.save(slot, file))

    async def restore_slot(self, slot: int, tokens: Sequence[int], file: Path) -> bool:
        return await self._slot_files.restore(slot, file)

    async def close(self) -> None:
        await self._client.close()


def _info(spec: EngineSpec, gpus: list[str], texts: LlamaTexts) -> ModelInfo:
    warnings = list(spec.notices)
    if not spec.has_chat_template:
        warnings.append(Notice("no_chat_template", {"model": spec.id}))
    if not gpus and (spec.use_gpu == "true" or (spec.use_gpu == "auto" and _NVIDIA.exists())):
        warnings.append(Notice("cpu_fallback"))
    return ModelInfo(
        id=spec.id,
        format="gguf",
        architecture=spec.architecture,
        quantization=spec.quantization,
        parameters=spec.parameters,
        languages=spec.languages,
        context_length=spec.context_length,
        training_context_length=spec.training_context_length,
        slots=spec.slots,
        device=gpus[0] if gpus else "cpu",
        gpu_layers=(spec.gpu_layers if spec.gpu_layers is not None else 999) if gpus else 0,
        settings={
            "batch": GPU_BATCH if gpus else spec.batch,
            "threads": spec.threads,
            "speculation": spec.speculation,
            "cpu_adapt": spec.cpu_adapt,
            "kv_cache": "f16",
            "kv_cache_tokens": spec.context_length * spec.slots,
            **spec.told,
        },
        warnings=tuple(warnings),
        vision=spec.vision,
        tools=texts.tools and spec.mmproj is None,
        thinks=texts.thinks,
    )


def _why(spec: EngineSpec, error: str) -> str:
    """The library's own last words about a failed load, without paths."""
    log = Path(spec.directory) / "load.log"
    lines = log.read_text(errors="replace").splitlines() if log.exists() else []
    telling = [line for line in lines if "error" in line.lower() or "unknown" in line.lower()]
    words = (telling or lines or [error])[0]
    for path in (spec.path, spec.mmproj or spec.path):
        words = words.replace(path, Path(path).name)
    return words[:300]


class StderrTo:
    """Send file descriptor 2 into a file while native code runs: its log names the reason."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> None:
        self._saved = os.dup(2)
        with self._path.open("wb") as log:
            os.dup2(log.fileno(), 2)

    def __exit__(self, *_: object) -> None:
        os.dup2(self._saved, 2)
        os.close(self._saved)
