"""Counts HTTP requests and errors; the route is a template, never what a client sent."""

import time
from collections.abc import Callable

from starlette.types import Scope

from app.edge.observation import RequestEnd
from app.metrics.instruments import Instruments


class RequestMetrics:
    """A RequestObserver."""

    def __init__(self, instruments: Instruments) -> None:
        self._instruments = instruments
        self._used = 0.0

    def begin(self, scope: Scope) -> Callable[[RequestEnd], None]:
        self._instruments.http_in_progress.inc()
        return self._ended

    def _ended(self, end: RequestEnd) -> None:
        count = self._instruments
        count.http_in_progress.dec()
        count.http_requests.labels(end.method, end.route, str(end.status)).inc()
        count.http_duration.labels(end.method, end.route).observe(end.seconds)
        if end.error:
            count.errors.labels(end.error).inc()
        self.count_time()

    def count_time(self) -> None:
        """Add what this process has used of the processor since it was last asked."""
        used = time.process_time()
        self._instruments.api_cpu.inc(used - self._used)
        self._used = used
