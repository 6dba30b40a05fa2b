"""How a layer of the edge turns a request away: the error answer, and the connection closed."""

from collections.abc import Mapping

from starlette.types import Receive, Scope, Send

from app.domain.errors import SllmError
from app.errors import response


async def refuse(
    scope: Scope,
    receive: Receive,
    send: Send,
    error: SllmError,
    headers: Mapping[str, str] | None = None,
) -> None:
    """Answer `error` at once. The body was not read, so the connection cannot be used again."""
    fields = {"Connection": "close", **(headers or {})}
    await response(scope, error, fields)(scope, receive, send)
