"""How a layer of the edge turns a request away: the error answer, and the connection closed."""

from starlette.types import Receive, Scope, Send

from app.domain.errors import SllmError
from app.errors import response


async def refuse(scope: Scope, receive: Receive, send: Send, error: SllmError) -> None:
    """Answer `error` at once. The body was not read, so the connection cannot be used again."""
    await response(scope, error, {"Connection": "close"})(scope, receive, send)
