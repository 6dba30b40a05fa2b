"""The parts of a form as values: names, texts, and what JSON would say in their place."""

from typing import Any

from python_multipart.multipart import parse_options_header

from app.domain.errors import SllmError
from app.edge import strict_json
from app.v5.config import LONGEST_FILE_NAME
from app.validation_errors import name_of

FILES = "image"
MANY = "stop"
# Texts of the images of a form, in the order of their files.
ABOUT = ("filename", "ocr", "lens_keywords", "lens_local_keywords")
# Fields that are texts; all others are numbers or objects, and written as in JSON.
TEXTS = frozenset(
    {"message", "conversation_id", "parent_id", "system_prompt", "title", "model", "template"}
    | {"context_policy"}
)


def malformed() -> SllmError:
    """The answer to what is no form."""
    return SllmError("invalid_parameter", "form_malformed", param="body")


def names(disposition: bytes) -> tuple[str, str]:
    """A part's name and its file's. One without a name is nobody's field."""
    kind, options = parse_options_header(disposition.decode("latin-1"))
    if kind != b"form-data" or not options.get(b"name"):
        raise malformed()
    name = text("body", options[b"name"])
    return name, plain_name(options.get(b"filename", b"").decode("utf-8", "replace"))


def plain_name(filename: str) -> str:
    """A file's name without folders and without what is no text."""
    last = filename.replace("\\", "/").rpartition("/")[2]
    return "".join(c for c in last if c.isprintable())[:LONGEST_FILE_NAME]


def value(name: str, data: bytes | bytearray) -> Any:
    """Of a field that is no text; SllmError where it is not even one."""
    if name in TEXTS:
        return text(name, data)
    try:
        return strict_json.parse(bytes(data))
    except SllmError:
        return text(name, data)  # whatever it should be, a text it is not: the schema says so


def text(name: str, data: bytes | bytearray) -> str:
    """UTF-8 without NUL. Raises SllmError `invalid_parameter` that names the field."""
    try:
        found = bytes(data).decode("utf-8")
    except UnicodeDecodeError:
        raise _not_text(name) from None
    if "\0" in found:
        raise _not_text(name)
    return found


def _not_text(name: str) -> SllmError:
    field = name_of(name)
    return SllmError("invalid_parameter", "form_text", param=field, field=field)
