"""Requests per minute and client, counted where every API worker's requests meet."""

import math

from app.domain.errors import SllmError


class RateLimit:
    """A token bucket per client: bursts up to a minute's worth, refilled evenly.

    `per_minute` None means no limit. Times are CLOCK_MONOTONIC seconds, given by the caller.
    """

    def __init__(self, per_minute: int | None) -> None:
        self._per_minute = per_minute
        self._buckets: dict[str, tuple[float, float]] = {}

    def take(self, client: str, now: float) -> None:
        """Count one request of `client`; raise `rate_limited` when its bucket is empty."""
        if self._per_minute is None:
            return
        rate = self._per_minute / 60
        level, since = self._buckets.get(client, (float(self._per_minute), now))
        level = min(self._per_minute, level + (now - since) * rate)
        if level < 1:
            wait = max(1, math.ceil(round((1 - level) / rate, 6)))
            raise SllmError("rate_limited", retry_after=wait, limit=self._per_minute)
        self._buckets[client] = (level - 1, now)
        if len(self._buckets) > 10_000:
            self._forget_full(now, rate)

    def _forget_full(self, now: float, rate: float) -> None:
        """Drop clients whose buckets have filled up again: they are as good as new."""
        capacity = float(self._per_minute or 0)
        self._buckets = {
            client: (level, since)
            for client, (level, since) in self._buckets.items()
            if level + (now - since) * rate < capacity
        }
