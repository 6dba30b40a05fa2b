"""Gives every request an id: the client's own or a new one, on every answer and log line."""

import re
import secrets

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.logs import context

HEADER = "X-Request-ID"
VALID = re.compile(rb"[A-Za-z0-9._-]{1,64}")


class RequestId:
    """The outermost layer: `scope["state"]["request_id"]`, and the header on every response."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request_id = chosen_id(scope)
        scope.setdefault("state", {})["request_id"] = request_id
        context.request_id.set(request_id)

        async def send_with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)[HEADER] = request_id
            await send(message)

        await self.app(scope, receive, send_with_id)


def chosen_id(scope: Scope) -> str:
    """The client's id if there is one and it is plain, else `req_` and 128 random bits."""
    given = [value for name, value in scope["headers"] if name == b"x-request-id"]
    if len(given) == 1 and VALID.fullmatch(given[0]):
        return str(given[0].decode("ascii"))
    return new_request_id()


def new_request_id() -> str:
    """`req_` and 128 random bits."""
    return f"req_{secrets.token_hex(16)}"
