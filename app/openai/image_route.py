"""The route class of the dialect's bodies that may hold images: they are taken out of the body, so
that nothing holds them longer than they are needed."""

from collections.abc import Iterator
from typing import Any

from fastapi import Request
from fastapi.routing import APIRoute

from app.domain.errors import SllmError
from app.edge.body_guard import DEFAULT_LIMIT
from app.edge.strict_route import Handler, StrictRoute, read_strictly
from app.v5.vision_route import Blobs, body_memory

# Where each kind of body has its list of messages.
LISTS = ("messages", "input", "items")


class ImageRoute(StrictRoute):
    """A StrictRoute; the URLs of images are in the request's state, as `blobs`."""

    def get_route_handler(self) -> Handler:
        """FastAPI's handler, given a request that was read strictly."""
        inner = APIRoute.get_route_handler(self)

        async def handler(request: Request) -> Any:
            blobs = Blobs(request.app.state.vision_room, body_memory(request))
            request.state.blobs = blobs
            try:
                strict = await read_strictly(request)
                check_words(len(await strict.body()) - lift(strict.strict_body, blobs))
                strict._body = b"{}"
                return await inner(strict)
            finally:
                blobs.free()

        return handler


def check_words(count: int) -> None:
    """Raise SllmError `too_large` where a body is large beside its images: room for these is no
    room for texts, which would keep an engine at counting tokens for minutes."""
    if count > DEFAULT_LIMIT:
        raise SllmError("too_large", limit=DEFAULT_LIMIT)


def lift(body: Any, blobs: Blobs) -> int:
    """Every URL of an image out of the body; in its place stands its number in `blobs`. How many
    characters that were."""
    count = 0
    for part in _parts(body):
        place, key = part, "image_url"
        if isinstance(part.get(key), dict):
            place, key = part[key], "url"
        if isinstance(place.get(key), str) and place[key]:
            count += len(place[key])
            place[key] = blobs.put(place[key])
    return count


def _parts(body: Any) -> Iterator[dict[str, Any]]:
    """The parts of every message's content."""
    for name in LISTS:
        messages = body.get(name) if isinstance(body, dict) else None
        for message in messages if isinstance(messages, list) else ():
            content = message.get("content") if isinstance(message, dict) else None
            parts = content if isinstance(content, list) else ()
            yield from (part for part in parts if isinstance(part, dict))
