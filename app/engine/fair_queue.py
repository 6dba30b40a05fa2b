"""The waiting line: fair between clients, bounded, with positions. No clock, no I/O."""

from collections import Counter, OrderedDict, deque
from typing import Generic, TypeVar

from app.domain.errors import SllmError

T = TypeVar("T")


class FairQueue(Generic[T]):
    """Clients take turns; within a client, first come first served.

    The client with the fewest running generations goes first, and among equals the one that
    was served longest ago: a client with a hundred requests delays another client's single
    request by one turn at most.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._lines: OrderedDict[str, deque[T]] = OrderedDict()
        self._running: Counter[str] = Counter()

    def __len__(self) -> int:
        return sum(map(len, self._lines.values()))

    def check_room(self, estimated_wait_seconds: float) -> None:
        """Raise `overloaded` when the line is full, with a `Retry-After` that makes sense."""
        if len(self) >= self.limit:
            retry_after = max(1, round(estimated_wait_seconds))
            raise SllmError("overloaded", retry_after=retry_after, limit=self.limit)

    def push(self, client: str, item: T) -> None:
        self._lines.setdefault(client, deque()).append(item)

    def remove(self, client: str, item: T) -> None:
        """Take back what waits; nothing happens when it does not wait any more."""
        line = self._lines.get(client)
        if line is None or item not in line:
            return
        line.remove(item)
        if not line:
            del self._lines[client]

    def pop(self) -> T | None:
        """The next item, now counted as running for its client; None when nobody waits."""
        if not self._lines:
            return None
        client = min(self._lines, key=lambda name: self._running[name])
        item = self._take(self._lines, client)
        self._running[client] += 1
        return item

    def finished(self, client: str) -> None:
        """A generation that `pop` handed out has ended."""
        self._running[client] -= 1
        if self._running[client] <= 0:
            del self._running[client]

    def in_order(self) -> list[T]:
        """All that wait, in the order in which they would start if nothing else changed."""
        lines = OrderedDict((name, deque(line)) for name, line in self._lines.items())
        running = Counter(self._running)
        order: list[T] = []
        while lines:
            client = min(lines, key=lambda name: running[name])
            running[client] += 1
            order.append(self._take(lines, client))
        return order

    @staticmethod
    def _take(lines: OrderedDict[str, deque[T]], client: str) -> T:
        item = lines[client].popleft()
        if lines[client]:
            lines.move_to_end(client)
        else:
            del lines[client]
        return item
