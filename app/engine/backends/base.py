"""What the scheduler expects of a backend. Native errors are mapped inside each backend."""

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from app.domain.errors import SllmError
from app.domain.logprobs import TokenLogprob
from app.domain.messages import Message
from app.domain.model_info import ModelInfo
from app.domain.options import GenerationOptions
from app.domain.tools import Tool


@dataclass(frozen=True)
class Piece:
    """Whole characters of the answer, the ids of the tokens that made them, and how likely those
    were, if that was asked."""

    text: str
    tokens: tuple[int, ...] = ()
    logprobs: tuple[TokenLogprob, ...] = ()


@dataclass(frozen=True)
class Progress:
    """Prompt tokens computed so far; `cached` of them came from the slot's cache."""

    processed: int
    total: int
    cached: int


@dataclass(frozen=True)
class End:
    """The last event: why it ended and what it cost. `prompt_ms` is prefill time."""

    reason: Literal["stop", "length"]
    completion_tokens: int
    cached_tokens: int
    prompt_ms: float


BackendEvent = Piece | Progress | End


class BackendDied(Exception):
    """The native engine is gone: the process has to be started anew."""


class LoadError(Exception):
    """The weights cannot be loaded; `text` is an i18n key, filled with `values`."""

    def __init__(self, text: str, **values: str | int | float) -> None:
        super().__init__(text)
        self.text = text
        self.values = values


def refuse_images(messages: Sequence[Message]) -> None:
    """For backends of texts: raise SllmError where there is an image, so that none is ignored."""
    if any(message.images for message in messages):
        raise SllmError("unsupported_by_engine", "images_unsupported", param="images")


def refuse_tools(messages: Sequence[Message], tools: Sequence[Tool]) -> None:
    """For weights whose template has no place for tools, so that none is ignored."""
    if tools or any(message.calls or message.role == "tool" for message in messages):
        raise SllmError("unsupported_by_engine", "tools_unsupported", param="tools")


class Backend(Protocol):
    """Weights that are loaded and can be asked. All token ids are of the weights' tokenizer."""

    info: ModelInfo

    async def open(self) -> None:
        """On the event loop that will ask, once, before anything else."""
        ...

    async def prompt(
        self, messages: Sequence[Message], tools: Sequence[Tool] = (), owner: str = ""
    ) -> list[int]:
        """The messages and tools as the weights' chat template renders them, as token ids.

        Text of a message or a tool never becomes a control token. Places of an image's feature
        rows are ids below zero (`app.engine.image_rows`). Raises SllmError when the template
        refuses the messages; `unsupported_by_engine` for images (`refuse_images`) or texts
        of images that the weights do not take, or for tools where `info.tools` is false. Texts
        may be remembered for an `owner`'s next prompts, and for nobody else's.
        """
        ...

    def forget(self, owner: str) -> None:
        """Remember no text of `owner`'s."""
        ...

    async def continued(self, text: str) -> list[int]:
        """A text to be continued as it is: its tokens, none of them a control token but those
        that begin every text."""
        ...

    async def image_tokens(self, message: Message) -> tuple[int, ...]:
        """How many places of `prompt` each image of `message` takes. It is asked after `prompt`
        with the same message, so a backend may remember what it found there."""
        ...

    async def tokens(self, text: str) -> list[int]:
        """A plain text as token ids, without control tokens."""
        ...

    def generate(
        self,
        prompt: list[int],
        options: GenerationOptions,
        slot: int,
        reuse: bool,
        held: int | None = None,
    ) -> AsyncGenerator[BackendEvent, None]:
        """Generate in `slot`; closing the iterator frees the slot. `options.max_tokens` is
        already cut to the room that the window leaves. `reuse` False forgets what the slot
        held before. `held` is how many tokens of the prompt lie there, if the caller knows: at
        most so many do. Raises SllmError, or BackendDied."""
        ...

    @property
    def kv_format(self) -> str | None:
        """What the rows of a saved slot are bound to beside the weights: another word, other
        rows. None: slots cannot be saved."""
        ...

    async def save_slot(self, slot: int, tokens: Sequence[int], file: Path) -> int:
        """Write what an idle slot holds of `tokens` to the empty `file`: how many tokens that
        is, 0 where it did not work. Raises OSError, or BackendDied."""
        ...

    async def restore_slot(self, slot: int, tokens: Sequence[int], file: Path) -> bool:
        """Let an idle slot hold what `save_slot` has written for `tokens`. False where it did
        not work; the slot's cache is lost then. Raises BackendDied."""
        ...

    async def close(self) -> None: ...
