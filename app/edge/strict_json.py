"""JSON as this server takes it: UTF-8, no duplicate keys, no NaN, no NUL, bounded in every way.

The checks before and after parsing work on whole strings; nothing here loops over characters.
"""

import json
import re
from array import array
from itertools import accumulate
from typing import Any, NoReturn

from app.domain.errors import SllmError

MAX_DEPTH = 64
MAX_KEYS = 50_000
MAX_ITEMS = 500_000
MAX_KEY_LENGTH = 1024
# Twenty digits hold every 64-bit number; longer ones only serve to burn time in conversions.
MAX_INTEGER_DIGITS = 20

_BRACKETS = b"[]{}"
_OTHERS = bytes(byte for byte in range(256) if byte not in _BRACKETS)
_AS_STEPS = bytes.maketrans(_BRACKETS, b"\x01\xff\x01\xff")
_SUSPICIOUS_ESCAPE = re.compile(rb"\\u(?:0000|[dD][89a-fA-F])")
_NOT_TEXT = re.compile("[\x00\ud800-\udfff]")
_PLAIN_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,63}")


class _BadNumber:
    """Stands where a number was that no field can take, until its place is found."""


def parse(body: bytes) -> Any:
    """The value of a request body.

    Raises SllmError `invalid_json` for anything but well-formed, bounded, plain JSON; `param`
    names the field where that is known. The whole takes time linear in the body.
    """
    if not body:
        refuse("json_empty")
    text = _decoded(body)
    _check_structure(body)
    parser = _Parser()
    value = parser.parse(text)
    if parser.bad_numbers or _SUSPICIOUS_ESCAPE.search(body):
        _check_values(value)
    return value


def refuse(text: str, **values: Any) -> NoReturn:
    """Raise `invalid_json`, saying `text`."""
    raise SllmError("invalid_json", text, **values)


def _decoded(body: bytes) -> str:
    # UTF-16 of ASCII text is valid UTF-8 full of NUL bytes, which JSON never holds raw.
    if b"\0" in body or body.startswith(b"\xef\xbb\xbf"):
        refuse("json_not_utf8")
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError:
        refuse("json_not_utf8")


def _check_structure(body: bytes) -> None:
    """Depth and counts, before a parser sees the body."""
    if b"\\" in body:
        body = body.replace(b"\\\\", b"").replace(b'\\"', b"")
    if body.count(b'"') > 2 * (MAX_KEYS + MAX_ITEMS):
        refuse("json_too_many")
    skeleton = b"".join(body.split(b'"')[::2])
    if skeleton.count(b":") > MAX_KEYS or skeleton.count(b",") > MAX_ITEMS:
        refuse("json_too_many")
    steps = array("b", skeleton.translate(_AS_STEPS, _OTHERS))
    if steps and max(accumulate(steps)) > MAX_DEPTH:
        refuse("json_too_deep", limit=MAX_DEPTH)


class _Parser:
    """The standard decoder with its hooks; it remembers whether a number was unusable."""

    def __init__(self) -> None:
        self.bad_numbers = False

    def parse(self, text: str) -> Any:
        decoder = json.JSONDecoder(
            object_pairs_hook=_object,
            parse_float=self._float,
            parse_int=self._int,
            parse_constant=self._bad_number,
        )
        try:
            return decoder.decode(text)
        except json.JSONDecodeError as error:
            refuse("json_syntax", line=error.lineno, column=error.colno)

    def _float(self, digits: str) -> Any:
        value = float(digits)
        return self._bad_number(digits) if value in (float("inf"), float("-inf")) else value

    def _int(self, digits: str) -> Any:
        return self._bad_number(digits) if len(digits) > MAX_INTEGER_DIGITS else int(digits)

    def _bad_number(self, _: str) -> _BadNumber:
        self.bad_numbers = True
        return _BadNumber()


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        _refuse_duplicate(pairs)
    if pairs and max(map(len, value)) > MAX_KEY_LENGTH:
        refuse("json_long_key", limit=MAX_KEY_LENGTH)
    return value


def _refuse_duplicate(pairs: list[tuple[str, Any]]) -> NoReturn:
    seen: set[str] = set()
    twice = next(name for name, _ in pairs if name in seen or seen.add(name))  # type: ignore[func-returns-value]
    name = _step("", twice)
    raise SllmError("invalid_json", "json_duplicate_key", param=name, field=name)


def _check_values(value: Any) -> None:
    """Find the field that holds a bad number, a NUL or half a surrogate pair, if one does."""
    waiting: list[tuple[str, Any]] = [("", value)]
    while waiting:
        place, value = waiting.pop()
        if isinstance(value, str):
            _check_text(place, value)
        elif isinstance(value, _BadNumber):
            _refuse_at(place, "json_number")
        elif isinstance(value, list):
            waiting.extend((_step(place, index), item) for index, item in enumerate(value))
        elif isinstance(value, dict):
            for name, item in value.items():
                _check_text(place, name)
                waiting.append((_step(place, name), item))


def _check_text(place: str, text: str) -> None:
    if _NOT_TEXT.search(text):
        _refuse_at(place, "json_text")


def _refuse_at(place: str, text: str) -> NoReturn:
    raise SllmError("invalid_json", text, param=place or None, field=place or "body")


def _step(place: str, step: str | int) -> str:
    """`history.0.content`; a name that is no plain name is not repeated to the client."""
    plain = isinstance(step, int) or _PLAIN_NAME.fullmatch(step)
    return f"{place}.{step if plain else '?'}".lstrip(".")
