"""Whoever watches requests from the outside: metrics and traces, called by the access log."""

from collections.abc import Callable, Mapping
from typing import Protocol

from msgspec import Struct
from starlette.types import Scope


class RequestEnd(Struct, frozen=True):
    """How a request ended; `route` is a template as `/api/v1/chat`, `error` an error's code or "",
    and `status` is 499 where the client left first."""

    method: str
    route: str
    status: int
    seconds: float
    error: str


class RequestObserver(Protocol):
    """`begin` is called when a request has its id; what it returns, once the answer has ended."""

    def begin(self, scope: Scope) -> Callable[[RequestEnd], None]: ...


def observers_of(scope: Scope) -> tuple[RequestObserver, ...]:
    """Those of the application, set when it starts."""
    app = scope.get("app")
    found: tuple[RequestObserver, ...] = getattr(app.state, "observers", ()) if app else ()
    return found


def note_error(scope: Scope, code: str) -> None:
    """An error answer, or an error event in a stream."""
    scope.setdefault("state", {})["error_code"] = code


def noted_error(scope: Scope) -> str:
    """What `note_error` was told, or ""."""
    state: Mapping[str, str] = scope.get("state", {})
    return state.get("error_code", "")
