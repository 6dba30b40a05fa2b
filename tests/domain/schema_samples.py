"""Schemas made by chance from a seed, sound ones and odd ones, for the guard and the engine."""

import random
from typing import Any

WORDS = ("name", "age", "city", "tags", "score", "items", "note", "when", "$ref", "type", "고양이")
FORMATS = ("date", "time", "date-time", "email", "uuid", "ipv4", "hostname", "uri", "float", "zzz")
PATTERNS = (
    "^[a-z]+$", "[a-z]{3}", "^(a+)+$", "^\\d{4}-\\d{2}$", "(?=a)b", "^(foo|bar)$", "\\p{L}+",
    "^.{1,200}$", "(.*a){20}", "[가-힣]{2,10}", "a{1000}", "((a?){30}){30}", "^[^\"]*$", "(", "a**",
    "^(([a-z])+.)+[A-Z]([a-z])+$", "(a|aa)+b", "\\bword\\b", "^[a-z]+(-[a-z]+)*$", "(.*a.{40}){2}",
    "(a|b|c|d|e)*x{50}", "[\\w.-]+@[\\w-]+\\.\\w{2,}", "(?i)yes|no", ".*a.{200}", "\\",
)  # fmt: skip
COUNTS = (*(0, 1, 2, 3, 5, 20, 500, 9_000) * 4, 70_000, 2**31, 2**40, -1, 1.5)
NUMBERS = (0, 1, -5, 2.5, 1e9, 1e308, 2**53, -(2**63), 10**18)
ODD: tuple[Any, ...] = ("zzz", None, 5, [], {}, True, ["string", "null"], "array")


def random_schema(seed: int) -> dict[str, Any]:
    """One schema, the same for the same seed."""
    maker = random.Random(seed)
    schema = _schema(maker, 0)
    if "$ref" in str(schema) or maker.random() < 0.2:
        schema["$defs"] = {name: _schema(maker, 2) for name in ("a", "b")}
    return schema


def _schema(maker: random.Random, depth: int) -> dict[str, Any]:
    kinds = [_string, _number, _fixed, _reference]
    if depth < 5:
        kinds += [_object, _object, _array, _combined]
    schema = maker.choice(kinds)(maker, depth)
    if maker.random() < 0.05:
        extra = ("not", "uniqueItems", "if", "x-guidance", "title", "type", "$schema", "items")
        schema[maker.choice(extra)] = maker.choice(ODD)
    return schema


def _string(maker: random.Random, depth: int) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "string"}
    for keyword, values in (
        ("minLength", COUNTS),
        ("maxLength", COUNTS),
        ("format", FORMATS),
        ("pattern", PATTERNS),
    ):
        if maker.random() < 0.25:
            schema[keyword] = maker.choice(values)
    return schema


def _number(maker: random.Random, depth: int) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": maker.choice(("integer", "number"))}
    for keyword in ("minimum", "maximum", "exclusiveMinimum", "multipleOf"):
        if maker.random() < 0.2:
            schema[keyword] = maker.choice(NUMBERS)
    return schema


def _fixed(maker: random.Random, depth: int) -> dict[str, Any]:
    if maker.random() < 0.5:
        return {"const": maker.choice((1, "x", None, {"a": [1]}, True))}
    return {
        "enum": [f"{maker.choice(WORDS)}{number}" for number in range(maker.choice((0, 2, 400)))]
    }


def _reference(maker: random.Random, depth: int) -> dict[str, Any]:
    return {"$ref": maker.choice((*("#/$defs/a", "#/$defs/b") * 5, "#", "#/$defs/zzz", "foo.json"))}


def _object(maker: random.Random, depth: int) -> dict[str, Any]:
    names = maker.sample(WORDS, maker.randrange(1, 5))
    schema: dict[str, Any] = {
        "type": "object",
        "properties": {name: _schema(maker, depth + 1) for name in names},
        "required": [name for name in names if maker.random() < 0.7],
    }
    if maker.random() < 0.4:
        schema["additionalProperties"] = maker.choice((False, True, {"type": "string"}))
    if maker.random() < 0.1:
        schema[maker.choice(("minProperties", "maxProperties"))] = maker.choice(COUNTS)
    if maker.random() < 0.1:
        schema["patternProperties"] = {maker.choice(PATTERNS): _schema(maker, depth + 1)}
    return schema


def _array(maker: random.Random, depth: int) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "array", "items": _schema(maker, depth + 1)}
    for keyword in ("minItems", "maxItems"):
        if maker.random() < 0.4:
            schema[keyword] = maker.choice(COUNTS)
    if maker.random() < 0.2:
        schema["prefixItems"] = [_schema(maker, depth + 1) for _ in range(maker.randrange(4))]
    return schema


def _combined(maker: random.Random, depth: int) -> dict[str, Any]:
    parts = [_schema(maker, depth + 1) for _ in range(maker.randrange(5))]
    return {maker.choice(("anyOf", "oneOf", "allOf")): parts}
