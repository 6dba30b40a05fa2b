"""What each family of architectures knows: how an image becomes the encoder's inputs, and how a
message with images becomes text with places for their features. Pure functions, no sessions.
"""

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from PIL import Image

from app.domain.messages import Message

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Prepared:
    """One image, ready for the encoder.

    `feeds` are the encoder's inputs by name (float32 where the family does not say otherwise;
    the encoder's session casts to what its graph wants). `pieces` is what stands in the prompt
    for the image: texts with control tokens, and numbers of feature rows; the numbers add up to
    the rows that the encoder returns, which is checked. `grid` is (time, rows, columns) of
    feature rows for families whose positions have three axes, else None.
    """

    feeds: dict[str, Array]
    pieces: tuple[str | int, ...]
    grid: tuple[int, int, int] | None = None

    @property
    def tokens(self) -> int:
        """Feature rows."""
        return sum(piece for piece in self.pieces if isinstance(piece, int))


class Family(Protocol):
    """Made from the model's own files; raises LoadError for a configuration it does not know."""

    # The spelling that the chat template writes for an image, once each, in order.
    placeholder: str

    def prepare(self, image: Image.Image) -> Prepared:
        """An upright RGB image of any size."""
        ...

    def tokens_between(self) -> tuple[int, int]:
        """The fewest and the most feature rows of an image."""
        ...

    def contents(self, messages: list[Message]) -> list[dict[str, Any]]:
        """The messages as the model's chat template wants them, images as parts."""
        ...

    def fallback_template(self) -> str | None:
        """A Jinja chat template for folders that bring none; None: there must be one."""
        ...
