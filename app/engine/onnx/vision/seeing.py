"""What the backend of a model that sees has besides that of texts: family, encoder, features."""

import asyncio
from collections import OrderedDict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final, NamedTuple

from PIL import Image

from app.domain.errors import SllmError
from app.domain.messages import Message, Picture
from app.engine.backends.base import LoadError
from app.engine.image_rows import MOST_ROWS, image_rows
from app.engine.onnx.vision.encoder import open_encoder
from app.engine.onnx.vision.eyes import Eyes
from app.engine.onnx.vision.families import family
from app.engine.onnx.vision.feature_files import FeatureFiles, identity
from app.engine.onnx.vision.features import Features, prepare
from app.engine.onnx.vision.parts import flat_contents
from app.engine.onnx.vision.sight import Grid, Run, Sight
from app.engine.spec import EngineSpec, OnnxVisionSpec

# Spellings around images; some tokenizers do not mark them as control tokens.
_AROUND: Final = (
    "<image>",
    "<|image_pad|>",
    "<|video_pad|>",
    "<|vision_start|>",
    "<|vision_end|>",
    "<fake_token_around_image>",
    "<global-img>",
)
# Pictures whose shape is remembered: more than queued prompts can hold.
_REMEMBERED: Final = 16384


class _Shape(NamedTuple):
    picture: Picture
    pieces: tuple[str | int, ...]
    grid: Grid | None

    @property
    def tokens(self) -> int:
        return sum(piece for piece in self.pieces if isinstance(piece, int))


class Seeing:
    """Asked on the event loop, except for loading. Raises LoadError when made."""

    def __init__(self, spec: EngineSpec, eyes: Eyes) -> None:
        vision = spec.onnx_vision
        assert vision is not None
        template = spec.onnx.chat_template if spec.onnx is not None else ""
        self._family = family(vision, spec.id, template)
        self.placeholder = self._family.placeholder
        self.control_tokens = (self.placeholder, *_AROUND)
        self.fallback_template = self._family.fallback_template() or ""
        if not template and not self.fallback_template:
            raise LoadError("vision_no_template", model=spec.id)
        encoder = open_encoder(Path(vision.encoder), spec.threads, spec.id)
        encoder.check(self._family.prepare(Image.new("RGB", (64, 48))).feeds)
        files = FeatureFiles(Path(vision.cache), _identity(vision))
        self.features = Features(encoder, self._family, files, eyes.width)
        # By what is common to the ids of a picture's rows.
        self._shapes: OrderedDict[int, _Shape] = OrderedDict()

    def open(self) -> None:
        self.features.open()
        self._thread = ThreadPoolExecutor(1, "onnx-pictures")

    async def pieces(self, picture: Picture) -> tuple[str | int, ...]:
        """Raises SllmError."""
        return (await self._shape(picture)).pieces

    async def tokens(self, message: Message) -> tuple[int, ...]:
        """Feature rows of each image."""
        return tuple([(await self._shape(picture)).tokens for picture in message.images])

    async def _shape(self, picture: Picture) -> _Shape:
        key = _key(image_rows(picture, 1)[0])
        known = self._shapes.get(key)
        if known is None:
            prepared = await asyncio.get_running_loop().run_in_executor(
                self._thread, prepare, self._family, picture
            )
            known = _Shape(picture, prepared.pieces, prepared.grid)
        # The file of the newest message is there; that of an older one may have been deleted.
        known = known._replace(picture=picture)
        self._shapes[key] = known
        self._shapes.move_to_end(key)
        while len(self._shapes) > _REMEMBERED:
            self._shapes.popitem(last=False)
        return known

    async def sight(self, prompt: Sequence[int]) -> Sight:
        """What the prompt shows; encodes what has not been. Raises SllmError."""
        runs = []
        place = 0
        while place < len(prompt):
            stop = _run_end(prompt, place)
            if stop > place:
                runs.append(await self._run(prompt[place], place, stop))
            place = max(stop, place + 1)
        return Sight(prompt, runs)

    async def _run(self, first: int, start: int, stop: int) -> Run:
        key, row = divmod(-first - 1, MOST_ROWS)
        shape = self._shapes.get(key)
        if shape is None:
            raise SllmError("internal_error", "vision_forgotten")
        rows = await self.features.rows(shape.picture)
        if len(rows) != shape.tokens:
            made, wanted = len(rows), shape.tokens
            raise SllmError("internal_error", "vision_rows", made=made, wanted=wanted)
        return Run(start, rows[row : row + stop - start], shape.grid)

    def contents(self, messages: Sequence[Message]) -> list[dict[str, Any]]:
        return self._family.contents(list(messages))

    def flat(self, messages: Sequence[Message]) -> list[dict[str, Any]]:
        return flat_contents(messages, self.placeholder)

    def close(self) -> None:
        self.features.close()
        self._thread.shutdown(wait=False, cancel_futures=True)


def _key(row: int) -> int:
    """What the ids of a picture's rows have in common."""
    return (-row - 1) // MOST_ROWS


def _run_end(prompt: Sequence[int], start: int) -> int:
    """Behind the rows that follow each other from `start` on; `start` where there is none."""
    stop = start
    while stop < len(prompt) and prompt[stop] < 0 and prompt[stop] == prompt[start] - stop + start:
        stop += 1
    return stop


def _identity(vision: OnnxVisionSpec) -> str:
    """Of the encoder's file with what lies beside it, and of the preparation."""
    encoder = Path(vision.encoder)
    beside = [path for path in encoder.parent.iterdir() if path.name.startswith(encoder.name)]
    return identity(beside, vision.preparation)
