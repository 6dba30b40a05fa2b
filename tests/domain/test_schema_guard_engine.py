"""Whatever the schema guard lets through, the real engine survives, and holds answers to."""

import json
from itertools import count, islice
from typing import Any

import pytest
from llguidance import LLMatcher, LLTokenizer

from app.domain.errors import SllmError
from app.domain.schema_guard import check_response_schema
from tests.domain.schema_samples import random_schema
from tests.domain.test_schema_guard import GOOD
from tests.support import Server

pytestmark = [pytest.mark.weights, pytest.mark.timeout(900)]

SCHEMAS = 60


def is_accepted(schema: dict[str, Any]) -> bool:
    try:
        check_response_schema(schema)
    except SllmError:
        return False
    return True


def accepted_schemas() -> list[dict[str, Any]]:
    """Sound ones that people write, and the first that chance makes and the guard takes."""
    by_chance = (schema for seed in count() if is_accepted(schema := random_schema(seed)))
    return [*GOOD.values(), *islice(by_chance, SCHEMAS)]


def fits(schema: dict[str, Any], text: str) -> bool:
    """Whether `text` is the beginning of a document of `schema`, byte by byte."""
    grammar = LLMatcher.grammar_from_json_schema(json.dumps(schema))
    matcher = LLMatcher(LLTokenizer("byte"), grammar)
    tokens = list(text.encode("utf-8"))
    return bool(matcher.validate_tokens(tokens) == len(tokens))


def test_the_judge_can_say_no() -> None:
    assert fits({"type": "integer"}, "12")
    assert not fits({"type": "integer"}, '"12"')


def test_accepted_schemas_are_enforced(smollm2_server: Server) -> None:
    for schema in accepted_schemas():
        wanted = {"type": "json_schema", "json_schema": {"name": "x", "schema": schema}}
        answer = smollm2_server.chat(
            "Answer in JSON.", response_format=wanted, max_tokens=12, temperature=0
        )
        assert answer.status_code == 200, (schema, answer.text)
        assert fits(schema, answer.json()["response"]), (schema, answer.json()["response"])
