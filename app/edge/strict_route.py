"""The route class of every API router: JSON bodies are read by `strict_json`, and only JSON is.

This is FastAPI's documented extension point (a custom request and route class).
"""

import re
from asyncio import to_thread
from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, params
from fastapi.routing import APIRoute
from starlette.responses import Response

from app.domain.errors import SllmError
from app.edge import strict_json

# Parsing more takes milliseconds, in which nobody else on this event loop would be served.
LARGE = 256 * 1024
Handler = Callable[[Request], Coroutine[Any, Any, Response]]

JSON_TYPE = re.compile(
    r'application/(?:json|[a-z0-9!#$&^_.+-]+\+json)(?:\s*;\s*charset\s*=\s*"?utf-?8"?)?\s*;?',
    re.IGNORECASE,
)


class StrictRequest(Request):
    """A request whose JSON was already read strictly."""

    strict_body: Any

    async def json(self) -> Any:
        """The body as `strict_json` understood it."""
        return self.strict_body


class StrictRoute(APIRoute):
    """An APIRoute that refuses other media types (415) and anything but strict JSON (400)."""

    def get_route_handler(self) -> Handler:
        """FastAPI's handler, given a request that was read strictly."""
        handler = super().get_route_handler()
        if not self.takes_json():
            return handler
        optional = self.body_field is not None and not self.body_field.field_info.is_required()

        async def strict_handler(request: Request) -> Response:
            return await handler(await read_strictly(request, optional))

        return strict_handler

    def takes_json(self) -> bool:
        """Whether this route declares a JSON body."""
        field = self.body_field
        return field is not None and not isinstance(field.field_info, params.Form)


async def read_strictly(request: Request, optional: bool = False) -> StrictRequest:
    """Read and parse the body before FastAPI does: it would accept more, and hide our errors.

    An `optional` body may be absent, then with any media type or none.
    """
    strict = StrictRequest(request.scope, request.receive)
    if optional and not await strict.body():
        return strict
    media_types = request.headers.getlist("content-type")
    if len(media_types) != 1 or not JSON_TYPE.fullmatch(media_types[0].strip()):
        raise SllmError("unsupported_media_type")
    body = await strict.body()
    parse = strict_json.parse
    strict.strict_body = await to_thread(parse, body) if len(body) > LARGE else parse(body)
    return strict
