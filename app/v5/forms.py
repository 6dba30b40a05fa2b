"""`multipart/form-data` as this server takes it: bounded, strict, and turned into the same body as
JSON's. Files are handed over apart, under the names of their parts."""

from typing import Any

from fastapi.exceptions import RequestValidationError
from msgspec import Struct
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from app.domain.errors import SllmError
from app.edge import strict_json
from app.v5.config import LARGEST_PART_HEAD, LONGEST_FILE_NAME, MOST_PARTS

FILES = "image"
MANY = "stop"
# Fields that are texts; all others are numbers or objects, and written as in JSON.
TEXTS = frozenset(
    {"message", "conversation_id", "parent_id", "system_prompt", "title", "model", "template"}
    | {"context_policy", MANY}
)


class Upload(Struct, frozen=True):
    """A file of a form; what its client says of its type is not believed, nor kept."""

    filename: str
    data: bytes


class Part(Struct):
    """One part while it is read."""

    disposition: bytes = b""
    data: bytearray = bytearray()


def read_form(content_type: str, body: bytes) -> tuple[dict[str, Any], list[Upload]]:
    """The fields as JSON would have them, and the files. Raises SllmError `invalid_parameter`,
    or RequestValidationError for a field that comes twice."""
    fields: dict[str, Any] = {}
    files: list[Upload] = []
    for part in _parts(content_type, body):
        name, filename = _names(part)
        if name == FILES:
            files.append(Upload(filename, bytes(part.data)))
        elif name == MANY:
            fields.setdefault(MANY, []).append(_text(name, part.data))
        elif name in fields:
            raise RequestValidationError([{"loc": ("body", name), "type": "query_twice"}])
        else:
            fields[name] = _value(name, part.data)
    return fields, files


def _parts(content_type: str, body: bytes) -> list[Part]:
    _, options = parse_options_header(content_type)
    reader = _Reader()
    try:
        parser = MultipartParser(
            options.get(b"boundary", b""), reader.callbacks(), max_header_size=LARGEST_PART_HEAD
        )
        parser.write(body)
    except FormParserError:
        raise malformed() from None
    if not options.get(b"boundary") or not reader.ended:
        raise malformed()
    return reader.parts


def malformed() -> SllmError:
    """The answer to what is no form."""
    return SllmError("invalid_parameter", "form_malformed", param="body")


class _Reader:
    """Collects what the parser finds."""

    def __init__(self) -> None:
        self.parts: list[Part] = []
        self.ended = False
        self._name = b""
        self._value = b""

    def callbacks(self) -> Any:
        return {
            "on_part_begin": self._begin,
            "on_header_field": self._header_name,
            "on_header_value": self._header_value,
            "on_header_end": self._header_end,
            "on_part_data": self._data,
            "on_end": self._end,
        }

    def _begin(self) -> None:
        if len(self.parts) >= MOST_PARTS:
            raise SllmError("invalid_parameter", "form_parts", param="body", limit=MOST_PARTS)
        self.parts.append(Part(data=bytearray()))

    def _header_name(self, data: bytes, start: int, end: int) -> None:
        self._name += data[start:end]

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _header_end(self) -> None:
        if self._name.lower() == b"content-disposition":
            self.parts[-1].disposition = self._value
        self._name = self._value = b""

    def _data(self, data: bytes, start: int, end: int) -> None:
        self.parts[-1].data += data[start:end]

    def _end(self) -> None:
        self.ended = True


def _names(part: Part) -> tuple[str, str]:
    """A part's name and its file's. One without a name is nobody's field."""
    kind, options = parse_options_header(part.disposition.decode("latin-1"))
    if kind != b"form-data" or not options.get(b"name"):
        raise malformed()
    name = _text("body", options[b"name"])
    return name, plain_name(options.get(b"filename", b"").decode("utf-8", "replace"))


def plain_name(filename: str) -> str:
    """A file's name without folders and without what is no text."""
    last = filename.replace("\\", "/").rpartition("/")[2]
    return "".join(c for c in last if c.isprintable())[:LONGEST_FILE_NAME]


def _value(name: str, data: bytes | bytearray) -> Any:
    if name in TEXTS:
        return _text(name, data)
    try:
        return strict_json.parse(bytes(data))
    except SllmError:
        return _text(name, data)  # whatever it should be, a text it is not: the schema says so


def _text(name: str, data: bytes | bytearray) -> str:
    try:
        text = bytes(data).decode("utf-8")
    except UnicodeDecodeError:
        raise _not_text(name) from None
    if "\0" in text:
        raise _not_text(name)
    return text


def _not_text(name: str) -> SllmError:
    return SllmError("invalid_parameter", "json_text", param=name, field=name)
