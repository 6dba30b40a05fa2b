"""`multipart/form-data` as this server takes it: bounded, strict, read as it arrives, and turned
into the same body as JSON's. Files are handed over apart; larger ones wait on disk, not in memory.
"""

from pathlib import Path
from tempfile import SpooledTemporaryFile
from typing import Any

from fastapi.exceptions import RequestValidationError
from msgspec import Struct
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from app.domain.errors import SllmError
from app.images.data import too_large
from app.v5 import form_values
from app.v5.config import LARGEST_PART_HEAD, MOST_PARTS, SMALL, WORDS_BYTES
from app.v5.form_values import ABOUT, FILES, MANY, malformed
from app.v5.services.vision_service import check_number
from app.validation_errors import name_of

File = SpooledTemporaryFile[bytes]


class Bounds(Struct, frozen=True):
    """Of one form's images; those that are too large for memory go into `folder`, nameless."""

    folder: Path
    most_images: int
    most_bytes: int


class Upload(Struct, frozen=True):
    """A file of a form; what its client says of its type is not believed, nor kept."""

    filename: str
    file: File
    about: dict[str, str] = {}


class FormReader:
    """Takes a form piece by piece. Raises SllmError, or RequestValidationError for a field that
    comes too often; after that, and in the end, it must be closed."""

    def __init__(self, content_type: str, bounds: Bounds) -> None:
        self._bounds = bounds
        self._fields: dict[str, Any] = {}
        self._about: dict[str, list[str]] = {}
        self._uploads: list[Upload] = []
        self._parts = self._words = self._size = 0
        self._name = ""
        self._data: bytearray | File = bytearray()
        self._ended = False
        heads = _Heads(self._begin, self._open)
        _, options = parse_options_header(content_type)
        boundary = options.get(b"boundary", b"")
        if not boundary:
            raise malformed()
        callbacks: Any = heads.callbacks() | {
            "on_part_data": self._take,
            "on_part_end": self._finish,
            "on_end": self._end,
        }
        try:
            self._parser = MultipartParser(boundary, callbacks, max_header_size=LARGEST_PART_HEAD)
        except FormParserError:
            raise malformed() from None

    def write(self, data: bytes) -> None:
        """The next piece. OSError where the disk is full."""
        try:
            self._parser.write(data)
        except FormParserError:
            raise malformed() from None

    def result(self) -> tuple[dict[str, Any], list[Upload]]:
        """The fields as JSON would have them, and the files, each at its beginning."""
        if not self._ended:
            raise malformed()
        for name, texts in self._about.items():
            if len(texts) > len(self._uploads):
                raise _refused(name, "form_more_than_images")
        for upload in self._uploads:
            upload.file.seek(0)
        return self._fields, [self._told(*each) for each in enumerate(self._uploads)]

    def close(self) -> None:
        """The files are gone."""
        for upload in self._uploads:
            upload.file.close()

    def _told(self, place: int, upload: Upload) -> Upload:
        about = {name: texts[place] for name, texts in self._about.items() if place < len(texts)}
        return Upload(about.pop("filename", "") or upload.filename, upload.file, about)

    def _begin(self) -> None:
        most = MOST_PARTS + (1 + len(ABOUT)) * self._bounds.most_images
        if self._parts >= most:
            raise SllmError("invalid_parameter", "form_parts", param="body", limit=most)
        self._parts += 1

    def _open(self, disposition: bytes) -> None:
        self._name, filename = form_values.names(disposition)
        self._size = 0
        self._data = bytearray()
        if self._name == FILES:
            check_number([*self._uploads, None], self._bounds.most_images)
            file: File = SpooledTemporaryFile(SMALL, dir=str(self._bounds.folder))  # noqa: SIM115
            self._data = file
            self._uploads.append(Upload(filename, file))

    def _take(self, data: bytes, start: int, end: int) -> None:
        self._size += end - start
        if isinstance(self._data, bytearray):
            self._words += end - start
            if self._words > WORDS_BYTES:
                raise SllmError("too_large", param=name_of(self._name), limit=WORDS_BYTES)
            self._data += data[start:end]
        elif self._size > self._bounds.most_bytes:
            raise too_large(self._bounds.most_bytes)
        else:
            self._data.write(data[start:end])

    def _finish(self) -> None:
        name, data = self._name, self._data
        if not isinstance(data, bytearray):
            return
        if name in ABOUT:
            self._about.setdefault(name, []).append(form_values.text(name, data))
        elif name == MANY:
            self._fields.setdefault(MANY, []).append(form_values.text(name, data))
        elif name in self._fields:
            raise _refused(name, "query_twice")
        else:
            self._fields[name] = form_values.value(name, data)

    def _end(self) -> None:
        self._ended = True


class _Heads:
    """Of all heads of parts, the Content-Disposition."""

    def __init__(self, begin: Any, opened: Any) -> None:
        self._begin_part, self._opened = begin, opened
        self._name = self._value = self._disposition = b""

    def callbacks(self) -> dict[str, Any]:
        return {
            "on_part_begin": self._begin,
            "on_header_field": self._header_name,
            "on_header_value": self._header_value,
            "on_header_end": self._header_end,
            "on_headers_finished": lambda: self._opened(self._disposition),
        }

    def _begin(self) -> None:
        self._disposition = b""
        self._begin_part()

    def _header_name(self, data: bytes, start: int, end: int) -> None:
        self._name += data[start:end]

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _header_end(self) -> None:
        if self._name.lower() == b"content-disposition":
            self._disposition = self._value
        self._name = self._value = b""


def _refused(name: str, reason: str) -> RequestValidationError:
    return RequestValidationError([{"loc": ("body", name), "type": reason}])
