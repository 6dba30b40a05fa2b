"""Fifty schemas that people write, small enough that an answer ends within a few tokens."""

from typing import Any

Schema = dict[str, Any]
INTEGER: Schema = {"type": "integer", "minimum": 0, "maximum": 999}
SHORT: Schema = {"type": "string", "minLength": 1, "maxLength": 6}
YES: Schema = {"type": "boolean"}


def record(**properties: Schema) -> Schema:
    """An object with exactly these properties."""
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def listing(items: Schema, least: int, most: int) -> Schema:
    return {"type": "array", "items": items, "minItems": least, "maxItems": most}


def text(pattern: str) -> Schema:
    return {"type": "string", "pattern": pattern}


def between(**bounds: int | float) -> Schema:
    return {"type": "integer", **bounds}


SCALARS: list[Schema] = [
    {"type": "boolean"},
    {"type": "null"},
    {"const": "fixed"},
    {"const": 42},
    {"const": None},
    {"enum": ["red", "green", "blue"]},
    {"enum": [1, 2, 3]},
    {"enum": ["one", 1, True, None]},
    {"enum": ["빨강", "파랑"]},
    {"enum": ["👍", "👎"]},
    {"type": ["boolean", "null"]},
]
NUMBERS: list[Schema] = [
    between(minimum=0, maximum=9),
    between(minimum=-20, maximum=-10),
    between(minimum=100, maximum=200),
    between(exclusiveMinimum=5, exclusiveMaximum=8),
    between(minimum=0, maximum=100, multipleOf=5),
    between(minimum=-3, maximum=3),
    {"type": "number", "minimum": 0, "maximum": 1, "multipleOf": 0.25},
    {"type": "number", "enum": [0.5, 1.5]},
]
STRINGS: list[Schema] = [
    SHORT,
    {"type": "string", "maxLength": 0},
    {"type": "string", "minLength": 3, "maxLength": 3},
    text("^[A-Z]{3}-[0-9]{2}$"),
    text("^(yes|no)$"),
    text("^[가-힣]{2,4}$"),
    text("^#[0-9a-f]{6}$"),
    text("^\\d{4}-\\d{2}$"),
    text("^[a-z]{1,8}@[a-z]{1,8}\\.com$"),
    {"type": "string", "format": "date"},
    {"type": "string", "format": "ipv4"},
    {"type": "string", "format": "uuid"},
]
ARRAYS: list[Schema] = [
    listing(INTEGER, 2, 3),
    listing(YES, 0, 2),
    listing(SHORT, 1, 2),
    listing({"enum": ["a", "b"]}, 4, 4),
    listing(listing(YES, 1, 1), 1, 2),
    listing(record(n=INTEGER), 1, 2),
    {"type": "array", "prefixItems": [SHORT, INTEGER], "items": False, "minItems": 2},
    {"type": "array", "maxItems": 0},
]
OBJECTS: list[Schema] = [
    record(n=INTEGER),
    record(name=SHORT, age=INTEGER),
    record(colour={"enum": ["red", "green"]}, ok=YES),
    record(이름=SHORT, 나이=INTEGER),
    record(user=record(id=INTEGER)),
    record(tags=listing({"enum": ["x", "y"]}, 1, 2), done=YES),
    {**record(a=YES, b=YES), "required": ["a"]},
    record(),
]
COMBINED: list[Schema] = [
    {"anyOf": [YES, {"type": "null"}]},
    {"anyOf": [record(kind={"const": "a"}, n=INTEGER), record(kind={"const": "b"}, ok=YES)]},
    {"$ref": "#/$defs/n", "$defs": {"n": INTEGER}},
]
SCHEMAS = [*SCALARS, *NUMBERS, *STRINGS, *ARRAYS, *OBJECTS, *COMBINED]
