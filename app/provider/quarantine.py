"""Requests that were running when the engine died: the same one twice is not tried again."""

import hashlib
from collections import OrderedDict

import msgspec

from app.domain.errors import SllmError
from app.domain.generation import GenerationRequest

DEATHS = 2
MOST_SUSPECTS = 1000
_encode = msgspec.msgpack.Encoder().encode


class Quarantine:
    """Counts engine deaths by what was asked for (a hash; no text is kept). An answer that
    came through takes the suspicion away: an innocent neighbour of a crash goes free."""

    def __init__(self) -> None:
        self._deaths: OrderedDict[bytes, int] = OrderedDict()

    def check(self, request: GenerationRequest) -> None:
        """Raise `invalid_parameter` for a request during which the engine died twice."""
        if self._deaths and self._deaths.get(_digest(request), 0) >= DEATHS:
            raise SllmError("invalid_parameter", "request_quarantined", param="message")

    def died(self, request: GenerationRequest) -> None:
        digest = _digest(request)
        self._deaths[digest] = self._deaths.pop(digest, 0) + 1
        if len(self._deaths) > MOST_SUSPECTS:
            self._deaths.popitem(last=False)

    def survived(self, request: GenerationRequest) -> None:
        if self._deaths:
            self._deaths.pop(_digest(request), None)


def _digest(request: GenerationRequest) -> bytes:
    return hashlib.sha256(_encode((request.messages, request.options, request.tools))).digest()
