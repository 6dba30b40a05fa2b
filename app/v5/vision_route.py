"""The route class of requests with images: a form is read into the body that JSON would bring, and
files are taken out of either, so that nothing holds them longer than they are needed.
"""

import itertools
import re
from asyncio import to_thread
from typing import Any

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute

from app.config import Settings
from app.domain.errors import SllmError
from app.edge.strict_route import Handler, StrictRequest, StrictRoute, read_strictly
from app.images.store import told_when_full
from app.v5.body_room import BodyRoom
from app.v5.forms import Bounds, File, FormReader, Upload

FORM = re.compile(r"multipart/form-data\s*;.*", re.IGNORECASE | re.DOTALL)
JSON = (b"content-type", b"application/json")
Blob = str | File


class Blobs:
    """The files of one request, as base64 or on their way from a form; in the body stands a number
    in their place."""

    def __init__(self, room: BodyRoom, size: int) -> None:
        self._room = room
        self._taken = room.take(size)
        self._held: dict[str, Blob] = {}
        self._numbers = itertools.count()

    def put(self, blob: Blob) -> str:
        number = str(next(self._numbers))
        self._held[number] = blob
        return number

    def text(self, number: str) -> str:
        """What JSON brought, as it came."""
        blob = self._held[number]
        assert isinstance(blob, str)
        return blob

    async def take(self, number: str) -> str | bytes:
        """Once: afterwards it is held no longer."""
        blob = self._held.pop(number)
        if isinstance(blob, str):
            return blob
        with blob:
            return await to_thread(blob.read)

    def free(self) -> None:
        """Nothing more is taken, and somebody else may come in."""
        for blob in self._held.values():
            if not isinstance(blob, str):
                blob.close()
        self._held.clear()
        self._room.give(self._taken)
        self._taken = 0


class VisionRoute(StrictRoute):
    """A StrictRoute that takes forms too; files are in the request's state, as `blobs`."""

    def get_route_handler(self) -> Handler:
        """FastAPI's handler, given a request that was read strictly, whatever its form."""
        inner = APIRoute.get_route_handler(self)

        async def handler(request: Request) -> Any:
            form = _form_type(request)
            blobs = Blobs(request.app.state.vision_room, body_memory(request, form is not None))
            request.state.blobs = blobs
            try:
                return await inner(await _read(request, form, blobs))
            finally:
                blobs.free()

        return handler


def _form_type(request: Request) -> str | None:
    given = request.headers.getlist("content-type")
    return given[0] if len(given) == 1 and FORM.fullmatch(given[0].strip()) else None


def body_memory(request: Request, form: bool = False) -> int:
    """What a body takes of it at most: JSON all its size, a form one image at a time."""
    room: BodyRoom = request.app.state.vision_room
    settings: Settings = request.app.state.settings
    length = request.headers.get("content-length", "")
    size = int(length[:20]) if length.isdigit() else room.largest
    return min(size, settings.max_image_bytes) if form else size


async def _read(request: Request, form: str | None, blobs: Blobs) -> StrictRequest:
    if form is not None:
        strict = await _from_form(request, form, blobs)
    else:
        strict = await read_strictly(request)
        _lift(strict.strict_body, blobs)
    strict._body = b"{}"
    return strict


async def _from_form(request: Request, content_type: str, blobs: Blobs) -> StrictRequest:
    fields, uploads = await _form(request, content_type)
    _lift(fields, blobs)
    named = [
        {"data": blobs.put(each.file), "filename": each.filename} | each.about for each in uploads
    ]
    listed = fields.get("images") or []
    if named and isinstance(listed, list):
        fields["images"] = [*listed, *named]
    headers = [item for item in request.scope["headers"] if item[0] != b"content-type"]
    request.scope["headers"] = [*headers, JSON]
    strict = StrictRequest(request.scope, request.receive)
    strict.strict_body = fields
    return strict


async def _form(request: Request, content_type: str) -> tuple[dict[str, Any], list[Upload]]:
    settings: Settings = request.app.state.settings
    bounds = Bounds(
        request.app.state.images.incoming, settings.max_images, settings.max_image_bytes
    )
    reader = FormReader(content_type, bounds)
    try:
        with told_when_full():
            await _fed(request, reader)
        return reader.result()
    except BaseException:
        reader.close()
        raise


async def _fed(request: Request, reader: FormReader) -> None:
    """A form that is refused is read to its end all the same: who still sends hears no answer."""
    refusal: Exception | None = None
    async for data in request.stream():
        if refusal is None:
            try:
                await to_thread(reader.write, data)
            except (SllmError, RequestValidationError) as error:
                refusal = error
    if refusal is not None:
        raise refusal


def _lift(body: Any, blobs: Blobs) -> None:
    """Every `data` of an image that is a text, out of the body."""
    images = body.get("images") if isinstance(body, dict) else None
    for image in images if isinstance(images, list) else ():
        if isinstance(image, dict) and isinstance(image.get("data"), str) and image["data"]:
            image["data"] = blobs.put(image["data"])
