"""Memory for the large bodies of one process: who finds none left is told to come again."""

from app.domain.errors import SllmError
from app.v5.config import LARGEST_AT_ONCE, SMALL


class BodyRoom:
    """Room for `LARGEST_AT_ONCE` bodies of `largest` bytes, or for many smaller ones."""

    def __init__(self, largest: int) -> None:
        self.largest = largest
        self.free = LARGEST_AT_ONCE * largest

    def take(self, size: int) -> int:
        """What was taken of the room, to be given back: nothing for a small body. Raises
        SllmError `overloaded`."""
        if size <= SMALL:
            return 0
        if size > self.free:
            raise SllmError("overloaded", "images_busy", retry_after=2)
        self.free -= size
        return size

    def give(self, size: int) -> None:
        """Somebody else may come in."""
        self.free += size
