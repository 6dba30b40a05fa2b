"""Counts what becomes of images that are decoded."""

from pathlib import Path
from typing import TYPE_CHECKING

from app.domain.errors import SllmError
from app.images.decoder import Decoded, Decoder

if TYPE_CHECKING:  # prometheus-client must not be imported before app.metrics.shared.prepare
    from app.metrics.instruments import Instruments


class CountedDecoder(Decoder):
    """A Decoder; whoever leaves before the end is not counted."""

    def __init__(self, instruments: "Instruments", folder: Path, most_pixels: int) -> None:
        super().__init__(folder, most_pixels)
        self._instruments = instruments

    async def decode(self, data: bytes) -> Decoded:
        try:
            found = await super().decode(data)
        except SllmError:
            self._instruments.images_decoded.labels("refused").inc()
            raise
        self._instruments.images_decoded.labels("decoded").inc()
        return found
