"""The route class of requests with images: a form is read into the body that JSON would bring, and
files are taken out of either, so that nothing holds them longer than they are needed.
"""

import re
from asyncio import Semaphore, to_thread
from typing import Any

from fastapi import Request
from fastapi.routing import APIRoute

from app.domain.errors import SllmError
from app.edge.strict_route import Handler, StrictRequest, StrictRoute, read_strictly
from app.v5.config import LARGE_BODY
from app.v5.forms import read_form

FORM = re.compile(r"multipart/form-data\s*;.*", re.IGNORECASE | re.DOTALL)
JSON = (b"content-type", b"application/json")
Blob = str | bytes


class Blobs:
    """The files of one request, base64 or plain; in the body stands a number in their place."""

    def __init__(self, gate: Semaphore | None) -> None:
        self._gate = gate
        self._held: list[Blob] = []

    def put(self, blob: Blob) -> str:
        self._held.append(blob)
        return str(len(self._held) - 1)

    def __getitem__(self, number: str) -> Blob:
        return self._held[int(number)]

    def free(self) -> None:
        """Somebody else may come in."""
        self._held.clear()
        if self._gate is not None:
            self._gate.release()
            self._gate = None


class VisionRoute(StrictRoute):
    """A StrictRoute that takes forms too; files are in the request's state, as `blobs`."""

    def get_route_handler(self) -> Handler:
        """FastAPI's handler, given a request that was read strictly, whatever its form."""
        inner = APIRoute.get_route_handler(self)

        async def handler(request: Request) -> Any:
            blobs = Blobs(await room_for(request))
            request.state.blobs = blobs
            try:
                return await inner(await _read(request, blobs))
            finally:
                blobs.free()

        return handler


async def room_for(request: Request) -> Semaphore | None:
    """A place among the large bodies. Raises SllmError `overloaded` when there is none."""
    length = request.headers.get("content-length")
    if length is not None and length.isdigit() and int(length[:20]) <= LARGE_BODY:
        return None
    gate: Semaphore = request.app.state.vision_gate
    if gate.locked():
        raise SllmError("overloaded", "images_busy", retry_after=2)
    await gate.acquire()
    return gate


async def _read(request: Request, blobs: Blobs) -> StrictRequest:
    given = request.headers.getlist("content-type")
    if len(given) == 1 and FORM.fullmatch(given[0].strip()):
        strict = await _from_form(request, given[0], blobs)
    else:
        strict = await read_strictly(request)
        _lift(strict.strict_body, blobs)
    strict._body = b"{}"
    return strict


async def _from_form(request: Request, content_type: str, blobs: Blobs) -> StrictRequest:
    fields, uploads = await to_thread(read_form, content_type, await request.body())
    request._body = b""
    _lift(fields, blobs)
    named = [{"data": blobs.put(file.data), "filename": file.filename} for file in uploads]
    listed = fields.get("images") or []
    if named and isinstance(listed, list):
        fields["images"] = [*listed, *named]
    headers = [item for item in request.scope["headers"] if item[0] != b"content-type"]
    request.scope["headers"] = [*headers, JSON]
    strict = StrictRequest(request.scope, request.receive)
    strict.strict_body = fields
    return strict


def _lift(body: Any, blobs: Blobs) -> None:
    """Every `data` of an image that is a text, out of the body."""
    images = body.get("images") if isinstance(body, dict) else None
    for image in images if isinstance(images, list) else ():
        if isinstance(image, dict) and isinstance(image.get("data"), str) and image["data"]:
            image["data"] = blobs.put(image["data"])
