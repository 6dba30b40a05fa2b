"""The steps of an answer in the dialect: who answers, what it is shown, what it says and calls."""

import secrets
from collections.abc import AsyncGenerator, Container, Iterator
from contextlib import aclosing, contextmanager
from datetime import UTC, datetime

from msgspec import Struct
from msgspec.structs import replace

from app.domain.answer_parts import AnswerPart, AnswerReader, Said
from app.domain.errors import SllmError
from app.domain.generation import Finished, GenerationEvent, GenerationRequest, Token, Usage
from app.domain.logprobs import TokenLogprob
from app.domain.messages import Message
from app.domain.model_info import ModelInfo
from app.domain.tools import ToolUse
from app.images.store import ImageStore, Lease
from app.openai.services.models import Models
from app.provider.model_provider import ModelProvider
from app.v5.services.vision_service import Brought, Sight, VisionService, check_number

# What the services below call the place of the words and pictures.
PLACES = frozenset({"message", "images"})


class Wanted(Struct, frozen=True):
    """`count` answers to `request`, and to each of `others`. `pictures` are those of each message
    of `request` until they are taken in, when the list is emptied: they are large. `field` is
    where the client wrote all that."""

    model: str | None
    request: GenerationRequest
    pictures: list[tuple[Brought, ...]] = []
    use: ToolUse = ToolUse()
    count: int = 1
    field: str = "messages"
    others: tuple[GenerationRequest, ...] = ()


class Begun(Struct, frozen=True):
    """Accepted: the pictures are in, and an answer comes. Always first."""

    id: str
    created_at: datetime
    model: str


class ChoicePart(Struct, frozen=True):
    """A piece of answer number `choice`."""

    choice: int
    part: AnswerPart
    logprobs: tuple[TokenLogprob, ...] = ()


class ChoiceEnd(Struct, frozen=True):
    """The end of answer number `choice`."""

    choice: int
    finish_reason: str
    usage: Usage


AnswerEvent = Begun | ChoicePart | ChoiceEnd
AnswerEvents = AsyncGenerator[AnswerEvent, None]


class Answers:
    """One owner's answers, of whichever model is asked for."""

    def __init__(
        self, models: Models, eyes: VisionService, store: ImageStore, owner: str, most_images: int
    ) -> None:
        self._models = models
        self._eyes = eyes
        self._store = store
        self._sight = Sight(store, owner)
        self._most_images = most_images

    async def events(self, wanted: Wanted) -> AnswerEvents:
        """Begun, then every answer after the other. Closing it frees its place, and the pictures
        go with it. Raises SllmError, also before Begun."""
        with naming(wanted.field):
            sees = any(wanted.pictures)
            model = await self._models.find(wanted.model, sees)
            info = await model.info()
            check_tools(wanted, info)
            async with self._store.leased() as lease:
                requests = [await self._shown(wanted, lease), *wanted.others]
                for choice in range(wanted.count * len(requests)):
                    place, again = divmod(choice, wanted.count)
                    request = _reseeded(requests[place], again)
                    answer = self._answer(model, info, wanted, request, choice)
                    async with aclosing(answer) as events:
                        async for event in events:
                            yield event

    async def _shown(self, wanted: Wanted, lease: Lease) -> GenerationRequest:
        """The request as the model gets it: with its pictures and tools."""
        messages = list(wanted.request.messages)
        for place, brought in enumerate(wanted.pictures):
            if brought:
                check_number(brought, self._most_images)
                taken = [await self._eyes.take(each, lease) for each in brought]
                images = tuple(image.picture() for image in taken)
                messages[place] = replace(messages[place], images=images)
        wanted.pictures.clear()
        return replace(
            wanted.request, messages=self._sight(tuple(messages)), tools=wanted.use.tools
        )

    async def _answer(
        self,
        model: ModelProvider,
        info: ModelInfo,
        wanted: Wanted,
        request: GenerationRequest,
        choice: int,
    ) -> AnswerEvents:
        thinks = info.thinks and not request.continues
        names = [tool.name for tool in wanted.use.tools]
        reader = AnswerReader(names, thinks, wanted.use.one) if not request.continues else None
        async with aclosing(model.generate(request)) as events:
            await anext(events)
            if choice == 0:
                now = datetime.now(UTC)
                yield Begun(secrets.token_hex(16), now, info.id)
            async for event in told(events, reader, choice):
                yield event


async def told(
    events: AsyncGenerator[GenerationEvent, None], reader: AnswerReader | None, choice: int
) -> AnswerEvents:
    """The parts of one answer and its end; log probabilities go with the next part."""
    waiting: tuple[TokenLogprob, ...] = ()
    async for event in events:
        if isinstance(event, Token):
            waiting += tuple(each for each in event.logprobs if each.bytes)
            parts = reader.feed(event.text) if reader else [Said(event.text)]
            for part in parts:
                yield ChoicePart(choice, part, waiting)
                waiting = ()
        elif isinstance(event, Finished):
            for part in reader.end() if reader else []:
                yield ChoicePart(choice, part, waiting)
                waiting = ()
            if waiting:
                yield ChoicePart(choice, Said(""), waiting)
            yield ChoiceEnd(choice, _reason(event, reader), event.usage)
            return
    raise SllmError("engine_died", retry_after=2)


def _reason(finished: Finished, reader: AnswerReader | None) -> str:
    called = finished.finish_reason == "stop" and reader is not None and reader.calls > 0
    return "tool_calls" if called else finished.finish_reason


def _reseeded(request: GenerationRequest, again: int) -> GenerationRequest:
    """Several answers with one seed would be one."""
    seed = request.options.seed
    if seed is None or not again:
        return request
    return replace(request, options=replace(request.options, seed=(seed + again) % (2**32 - 1)))


def check_tools(wanted: Wanted, info: ModelInfo) -> None:
    """SllmError `unsupported_by_engine` where the weights' template has no place for tools."""
    if info.tools:
        return
    if wanted.use.tools:
        raise SllmError("unsupported_by_engine", "tools_unsupported", param="tools")
    if any(map(_of_tools, wanted.request.messages)):
        raise SllmError("unsupported_by_engine", "tools_unsupported", param=wanted.field)


def _of_tools(message: Message) -> bool:
    return message.role == "tool" or bool(message.calls)


@contextmanager
def naming(field: str, places: Container[str | None] = PLACES) -> Iterator[None]:
    """Errors about one of `places`, which are the words and the pictures, name `field`."""
    try:
        yield
    except SllmError as error:
        if error.param in places:
            error.param = field
        raise
