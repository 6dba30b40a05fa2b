"""`.env.example`, written from the class of the settings, so that it cannot fall behind."""

from textwrap import wrap
from typing import Any

from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings

HEADER = """\
# Settings of the server: copy this file to .env, take the # away from a line, change its value.
# The environment wins over .env. An empty value means the default.
"""


def example(settings: type[BaseSettings]) -> str:
    """The whole file: for each setting its description, what is allowed, and its default."""
    fields = settings.model_fields.items()
    return "\n".join([HEADER, *(_entry(name.upper(), field) for name, field in fields)])


def _entry(name: str, field: FieldInfo) -> str:
    extra: Any = field.json_schema_extra
    text = wrap(f"{field.description} Allowed: {extra['allowed']}.", 96)
    return "".join(f"# {line}\n" for line in text) + f"#{name}={_text(field.default)}\n"


def _text(default: Any) -> str:
    """The default as it is written in the file; one computed at start is left empty."""
    match default:
        case bool():
            return str(default).lower()
        case str() | int():
            return str(default)
    return ""
