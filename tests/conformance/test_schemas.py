"""Fifty schemas: every answer satisfies its own, by a validator that no engine uses."""

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.conformance.columns import SLOTS
from tests.conformance.conftest import Tell
from tests.conformance.schemas import SCHEMAS
from tests.conformance.test_answers import answered, form
from tests.conformance.validator import is_valid
from tests.support import Server

BAD: list[tuple[dict[str, Any], Any]] = [
    ({"type": "integer"}, "1"),
    ({"type": "integer"}, True),
    ({"enum": [1]}, True),
    ({"type": "string", "format": "date"}, "2026-13-01"),
    ({"type": "array", "items": {"type": "null"}}, [1]),
    ({"properties": {"a": {"type": "null"}}, "additionalProperties": False}, {"b": 1}),
    ({"required": ["a"]}, {}),
    ({"anyOf": [{"const": 1}, {"const": 2}]}, 3),
    ({"prefixItems": [True], "items": False}, [1, 2]),
]


@pytest.mark.parametrize(("schema", "value"), BAD, ids=str)
def test_the_validator_can_say_no(schema: dict[str, Any], value: Any) -> None:
    assert not is_valid(schema, value, schema)


def test_there_are_fifty_different_ones() -> None:
    assert len({json.dumps(schema, sort_keys=True) for schema in SCHEMAS}) == len(SCHEMAS) == 50


def problem(server: Server, schema: dict[str, Any]) -> str | None:
    """What is wrong with the answer to a schema."""
    answer = answered(server, "Give me JSON.", max_tokens=120, response_format=form(schema))
    if answer["finish_reason"] != "stop":
        return f"{schema}: no end in {answer['response']!r}"
    value = json.loads(answer["response"])
    return None if is_valid(schema, value, schema) else f"{schema}: {value!r}"


@pytest.mark.weights
def test_schemas(server: Server, tell: Tell) -> None:
    """Fifty schemas, four at a time: the answers end by themselves, and satisfy theirs."""
    with ThreadPoolExecutor(SLOTS) as pool:
        found = list(pool.map(lambda schema: problem(server, schema), SCHEMAS))
    problems = [each for each in found if each is not None]
    assert problems == []
    tell(f"{len(found)}/{len(SCHEMAS)}")
