"""A JSON Schema validator for the keywords of schemas.py, independent of the engines' compiler. A
keyword that it does not know is an error.
"""

import re
from collections.abc import Callable, Mapping
from datetime import date, time
from ipaddress import IPv4Address
from typing import Any
from uuid import UUID

TYPES: dict[str, Callable[[Any], bool]] = {
    "object": lambda value: isinstance(value, dict),
    "array": lambda value: isinstance(value, list),
    "string": lambda value: isinstance(value, str),
    "boolean": lambda value: isinstance(value, bool),
    "null": lambda value: value is None,
    "number": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
    "integer": lambda value: TYPES["number"](value) and value == int(value),
}
FORMATS: dict[str, Callable[[str], object]] = {
    "date": date.fromisoformat,
    "time": time.fromisoformat,
    "uuid": UUID,
    "ipv4": IPv4Address,
}


def is_valid(schema: Mapping[str, Any] | bool, value: Any, root: Mapping[str, Any]) -> bool:
    """Whether `value` satisfies `schema`, whose references are into `root`."""
    if isinstance(schema, bool):
        return schema
    return all(KEYWORDS[name](wanted, value, schema, root) for name, wanted in schema.items())


Check = Callable[[Any, Any, Mapping[str, Any], Mapping[str, Any]], bool]


def _of(kind: str, check: Callable[[Any, Any], bool]) -> Check:
    """A keyword that says something about one type of values only."""
    return lambda wanted, value, *_: not TYPES[kind](value) or check(wanted, value)


def _type(wanted: Any, value: Any, *_: object) -> bool:
    return any(TYPES[name](value) for name in ([wanted] if isinstance(wanted, str) else wanted))


def _same(left: Any, right: Any) -> bool:
    """JSON's equality: 1 is not true."""
    return bool(left == right) and isinstance(left, bool) == isinstance(right, bool)


def _reference(wanted: str, value: Any, _: object, root: Mapping[str, Any]) -> bool:
    return is_valid(root["$defs"][wanted.removeprefix("#/$defs/")], value, root)


def _properties(wanted: Any, value: Any, _: object, root: Mapping[str, Any]) -> bool:
    if not isinstance(value, dict):
        return True
    return all(is_valid(wanted[name], value[name], root) for name in wanted.keys() & value.keys())


def _additional(
    wanted: Any, value: Any, schema: Mapping[str, Any], root: Mapping[str, Any]
) -> bool:
    if not isinstance(value, dict):
        return True
    others = value.keys() - schema.get("properties", {}).keys()
    return all(is_valid(wanted, value[name], root) for name in others)


def _items(wanted: Any, value: Any, schema: Mapping[str, Any], root: Mapping[str, Any]) -> bool:
    if not isinstance(value, list):
        return True
    rest = value[len(schema.get("prefixItems", ())) :]
    return all(is_valid(wanted, item, root) for item in rest)


def _prefix(wanted: Any, value: Any, _: object, root: Mapping[str, Any]) -> bool:
    if not isinstance(value, list):
        return True
    return all(is_valid(each, item, root) for each, item in zip(wanted, value, strict=False))


def _format(wanted: str, value: str) -> bool:
    try:
        FORMATS[wanted](value)
    except ValueError:
        return False
    return True


KEYWORDS: dict[str, Check] = {
    "$defs": lambda *_: True,
    "$ref": _reference,
    "type": _type,
    "const": lambda wanted, value, *_: _same(wanted, value),
    "enum": lambda wanted, value, *_: any(_same(each, value) for each in wanted),
    "anyOf": lambda wanted, value, _, root: any(is_valid(each, value, root) for each in wanted),
    "allOf": lambda wanted, value, _, root: all(is_valid(each, value, root) for each in wanted),
    "properties": _properties,
    "additionalProperties": _additional,
    "required": _of("object", lambda wanted, value: set(wanted) <= value.keys()),
    "items": _items,
    "prefixItems": _prefix,
    "minItems": _of("array", lambda wanted, value: len(value) >= wanted),
    "maxItems": _of("array", lambda wanted, value: len(value) <= wanted),
    "minLength": _of("string", lambda wanted, value: len(value) >= wanted),
    "maxLength": _of("string", lambda wanted, value: len(value) <= wanted),
    "pattern": _of("string", lambda wanted, value: re.search(wanted, value) is not None),
    "format": _of("string", _format),
    "minimum": _of("number", lambda wanted, value: value >= wanted),
    "maximum": _of("number", lambda wanted, value: value <= wanted),
    "exclusiveMinimum": _of("number", lambda wanted, value: value > wanted),
    "exclusiveMaximum": _of("number", lambda wanted, value: value < wanted),
    "multipleOf": _of("number", lambda wanted, value: value % wanted == 0),
}
