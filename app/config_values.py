"""From the text of an environment variable to a setting's value, and `.env`'s names."""

import re
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from dotenv import dotenv_values

TRUE = ("1", "yes", "y", "on", "t")
FALSE = ("0", "no", "n", "off", "f")
HOST_NAME = re.compile(r"\*|(\*\.)?[A-Za-z0-9._-]{1,253}|\[?[0-9A-Fa-f:.]{2,45}\]?")


def boolean_word(value: Any) -> Any:
    """`true` or `false` for the usual spellings; anything else in lower case."""
    word = lower_case(value)
    return "true" if word in TRUE else "false" if word in FALSE else word


def lower_case(value: Any) -> Any:
    """Text in lower case without space around it; `True` becomes `true`."""
    return str(value).strip().lower()


def expand_optional(path: Path | None) -> Path | None:
    """`expand_home` where there is a path."""
    return None if path is None else expand_home(path)


def comma_list(value: Any) -> Any:
    """`"a, b,"` as `("a", "b")`."""
    if not isinstance(value, str):
        return value
    return tuple(part.strip() for part in value.split(",") if part.strip())


def expand_home(value: Path) -> Path:
    """`~/x` as a full path; relative paths count from the working directory."""
    try:
        return value.expanduser().absolute()
    except RuntimeError:
        raise ValueError("the home directory of ~ is not known; write a full path") from None


def host_names(value: tuple[str, ...]) -> tuple[str, ...]:
    """Raises ValueError for what is not a host's name (a URL, a path, a port)."""
    if not all(HOST_NAME.fullmatch(name) for name in value):
        raise ValueError("one of them is not a host name (no http://, no port, no path)")
    return value


def origins(value: tuple[str, ...]) -> tuple[str, ...]:
    """Raises ValueError for what a browser would never send as `Origin`."""
    if not all(origin == "*" or _is_origin(origin) for origin in value):
        raise ValueError("one of them is not an origin (http:// or https://, host, no path)")
    return value


def dotenv_names(path: Path) -> list[str]:
    """The names that a `.env` file sets. Raises OSError and UnicodeDecodeError."""
    return list(dotenv_values(path, encoding="utf-8-sig")) if path.is_file() else []


def _is_origin(text: str) -> bool:
    try:
        parts = urlsplit(text)
        whole = f"{parts.scheme}://{parts.netloc}"
        parts.port  # noqa: B018 - raises for a port that is none
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname) and whole == text
