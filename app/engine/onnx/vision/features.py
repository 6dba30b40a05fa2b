"""Feature rows by picture: out of memory, else off the disk, else by the encoder.

Encoding has a thread of its own beside the one that computes tokens: streams get slower while
an image is encoded, but they never wait for its end.
"""

import asyncio
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from PIL import Image

from app.domain.errors import SllmError
from app.domain.messages import Picture
from app.engine.onnx.session import ERRORS
from app.engine.onnx.vision.encoder import Encoder, Stop, Stopped
from app.engine.onnx.vision.family import Family, Prepared
from app.engine.onnx.vision.feature_files import FeatureFiles
from app.engine.onnx.vision.sight import Array
from app.engine.scheduling_class import batch_threads

# In memory, of all pictures; an image of HyperCLOVA X Vision 3B has 2 to 10 MB.
MEMORY_BYTES: Final = 256 << 20


class Features:
    """Asked on the event loop, works in its thread. `width` is that of the embeddings."""

    def __init__(
        self,
        encoder: Encoder,
        family: Family,
        files: FeatureFiles,
        width: int,
        memory_bytes: int = MEMORY_BYTES,
    ) -> None:
        self._encoder, self._family, self._files = encoder, family, files
        self._width = width
        self._memory_bytes = memory_bytes
        self._held: OrderedDict[str, Array] = OrderedDict()
        self._held_bytes = 0
        self.encoded = 0

    def open(self) -> None:
        with batch_threads():
            self._thread = ThreadPoolExecutor(1, "onnx-images")
            self._thread.submit(int).result()

    async def rows(self, picture: Picture) -> Array:
        """[rows, width]. Cancelling it ends the encoder's run. Raises SllmError."""
        held = self._held.get(picture.key)
        if held is not None:
            self._held.move_to_end(picture.key)
            return held
        stop = Stop()
        try:
            found = await asyncio.get_running_loop().run_in_executor(
                self._thread, self._find, picture, stop
            )
        finally:
            stop.set()
        self._hold(picture.key, found)
        return found

    def _hold(self, key: str, rows: Array) -> None:
        if key in self._held:
            return
        self._held[key] = rows
        self._held_bytes += rows.nbytes
        while self._held_bytes > self._memory_bytes and len(self._held) > 1:
            _, dropped = self._held.popitem(last=False)
            self._held_bytes -= dropped.nbytes

    def _find(self, picture: Picture, stop: Stop) -> Array:
        # Another request for the same picture may have been before this one.
        held = self._held.get(picture.key)
        if held is not None:
            return held
        kept = self._files.read(picture.key)
        if kept is not None and kept.shape[1] == self._width:
            return kept
        rows = self._encode(picture, stop)
        self._files.write(picture.key, rows)
        return rows

    def _encode(self, picture: Picture, stop: Stop) -> Array:
        prepared = prepare(self._family, picture)
        try:
            rows = self._encoder.run(prepared.feeds, stop)
        except Stopped:
            raise asyncio.CancelledError from None
        except ERRORS as error:
            reason = str(error)[:200]
            raise SllmError("internal_error", "vision_encoder", reason=reason) from error
        self.encoded += 1
        if rows.shape != (prepared.tokens, self._width):
            made = f"{rows.shape[0]} x {rows.shape[1]}"
            wanted = f"{prepared.tokens} x {self._width}"
            raise SllmError("internal_error", "vision_rows", made=made, wanted=wanted)
        return rows

    def close(self) -> None:
        self._thread.shutdown(wait=False, cancel_futures=True)


def prepare(family: Family, picture: Picture) -> Prepared:
    """A stored picture as the encoder takes it. Raises SllmError."""
    # MAX_IMAGE_PIXELS was kept when it came, and may be more than Pillow's own limit.
    Image.MAX_IMAGE_PIXELS = None
    try:
        with Image.open(picture.file, formats=["PNG"]) as image:
            image.load()
            return family.prepare(image.convert("RGB"))
    except (OSError, SyntaxError, ValueError) as error:
        raise SllmError("invalid_image", "image_unreadable", param="images") from error
