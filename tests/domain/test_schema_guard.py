"""Response schemas: what people write passes, what breaks an engine does not."""

import json
from typing import Any

import pytest

from app.domain.errors import SllmError
from app.domain.pattern_guard import is_safe_pattern
from app.domain.schema_guard import check_response_schema
from tests.domain.schema_samples import random_schema
from tests.torture.cases import BAD_SCHEMAS

TREE = {
    "$ref": "#/$defs/node",
    "$defs": {
        "node": {
            "type": "object",
            "properties": {
                "value": {"type": "integer"},
                "children": {"type": "array", "items": {"$ref": "#/$defs/node"}},
            },
            "required": ["value"],
        }
    },
}
GOOD: dict[str, dict[str, Any]] = {
    "anything": {},
    "tree": TREE,
    "root recursion": {"type": "object", "properties": {"next": {"$ref": "#"}}},
    "enum": {"enum": [f"value-{number}" for number in range(1_000)]},
    "const": {"const": "x"},
    "nullable": {"type": ["string", "null"]},
    "bounds": {"type": "number", "minimum": 0, "exclusiveMaximum": 1},
    "multiples": {"type": "integer", "multipleOf": 5, "minimum": 0},
    "lengths": {"type": "string", "minLength": 1, "maxLength": 5_000},
    "items": {"type": "array", "items": {"type": "string"}, "minItems": 1, "maxItems": 1_000},
    "tuple": {"type": "array", "prefixItems": [{"type": "integer"}, {"type": "string"}]},
    "date": {"type": "string", "format": "date-time"},
    "map": {"type": "object", "additionalProperties": {"type": "integer"}},
    "either": {"anyOf": [{"type": "integer"}, {"type": "string"}]},
    "one of": {"oneOf": [{"type": "integer"}, {"type": "string"}]},
    "200 properties": {"properties": {f"p{number}": {"type": "string"} for number in range(200)}},
    "named like keywords": {
        "type": "object",
        "properties": {
            "pattern": {"type": "string"},
            "format": {"type": "string"},
            "minLength": {"type": "integer"},
            "properties": {"type": "object"},
            "$ref": {"type": "string"},
            "enum": {"type": "array"},
        },
    },
    "Korean": {
        "type": "object",
        "properties": {"이름": {"type": "string", "pattern": "^[가-힣]+$"}},
    },
}


@pytest.mark.parametrize("name", GOOD)
def test_sound_schemas_pass(name: str) -> None:
    check_response_schema(GOOD[name])


@pytest.mark.parametrize("name", BAD_SCHEMAS)
def test_bombs_do_not(name: str) -> None:
    with pytest.raises(SllmError) as caught:
        check_response_schema(BAD_SCHEMAS[name])
    assert caught.value.code == "invalid_parameter"
    assert caught.value.param == "response_format"


def deep(levels: int) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "string"}
    for _ in range(levels):
        schema = {"items": schema}
    return schema


def test_depth_is_exact() -> None:
    check_response_schema(deep(31))
    with pytest.raises(SllmError, match="schema_too_deep"):
        check_response_schema(deep(32))


@pytest.mark.parametrize(
    ("schema", "text", "keyword"),
    [
        ({"not": {}}, "schema_keyword_unsupported", "not"),
        ({"type": "array", "uniqueItems": True}, "schema_keyword_unsupported", "uniqueItems"),
        ({"type": "string", "format": "uri"}, "schema_keyword_unsupported", "format"),
        (
            {"oneOf": [{"type": "integer"}, {"type": "number"}]},
            "schema_keyword_unsupported",
            "oneOf",
        ),
        (
            {"type": "integer", "multipleOf": 7, "maximum": -5},
            "schema_keyword_unsupported",
            "multipleOf",
        ),
        ({"type": "integer", "multipleOf": 12345}, "schema_keyword_unsupported", "multipleOf"),
        ({"type": "zzz"}, "schema_keyword_type", "type"),
        ({"type": "string", "minLength": 5, "maxLength": 2}, "schema_impossible", None),
        ({"enum": []}, "schema_impossible", None),
        ({"type": "string", "pattern": "^(?=a)"}, "schema_pattern", None),
        ({"$ref": "#/$defs/nowhere"}, "schema_ref", None),
    ],
)
def test_refusals_say_why(schema: dict[str, Any], text: str, keyword: str | None) -> None:
    with pytest.raises(SllmError) as caught:
        check_response_schema(schema)
    assert (caught.value.text, caught.value.values.get("keyword")) == (text, keyword)


def test_whatever_comes_it_is_taken_or_refused() -> None:
    taken = 0
    for seed in range(1_500):
        schema = random_schema(seed)
        try:
            check_response_schema(schema)
        except SllmError as error:
            assert error.code == "invalid_parameter", json.dumps(schema)  # noqa: PT017
        else:
            taken += 1
    # A guard that refused everything would be of no use.
    assert 300 < taken < 1_200


@pytest.mark.parametrize(
    "pattern",
    [
        r"^[a-z]+(-[a-z]+)*$",
        r"^(\d+,)*\d+$",
        r"^\d{4}-\d{2}-\d{2}$",
        r"[\w.-]+@[\w-]+\.\w{2,}",
        r"[(+]+",
        r"\(a+\)+",
        r"^.{1,500}$",
        r"(ab?c+)*",
    ],
)
def test_patterns_that_people_write(pattern: str) -> None:
    assert is_safe_pattern(pattern)


@pytest.mark.parametrize(
    "pattern",
    [
        "(a+)+$",
        "(a*)*",
        "([a-z]+)*",
        "(x+x+)+y",
        "(a|b+)*",
        "(?:a+)+",
        "(?P<n>a+){2,}",
        "((a?){30}){30}",
        "(a{1,99}){1,99}",
        "a{100000}",
        "(" * 200 + ")" * 200,
        "a" * 513,
        "가" * 200,
    ],
)
def test_patterns_that_multiply(pattern: str) -> None:
    assert not is_safe_pattern(pattern)


@pytest.mark.parametrize(
    ("pattern", "allowed"),
    [("^[a-z0-9_-]+$", True), (r"^\d{10}$", True), ("(.*a){20}", False), (".*a.{12}", False)],
)
def test_patterns_beside_a_length_are_simple(pattern: str, allowed: bool) -> None:
    assert is_safe_pattern(pattern, combined=True) is allowed
