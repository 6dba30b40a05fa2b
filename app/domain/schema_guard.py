"""Which JSON Schemas may constrain an answer: those that the engines survive and enforce in full.

llama.cpp compiles schemas with llguidance. One that it cannot compile is no error there, the
answer is just unconstrained; a huge one takes the process down. So both are refused here: first
what is big, by counting, then whatever the same compiler does not take.
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, NoReturn

from llguidance import LLMatcher

from app.domain.errors import SllmError
from app.domain.pattern_guard import MAX_PATTERN_BYTES, is_safe_pattern
from app.domain.schema_refs import has_empty_cycle

MAX_BYTES = 64 * 1024
MAX_DEPTH = 32
MAX_PROPERTIES = 200
MAX_ENUM = 1_000
MAX_ALTERNATIVES = 200
MAX_LENGTH = 1_000_000
# Each possible item is a symbol of the grammar, which holds 65,536 of them in all.
MAX_ITEMS = 10_000
# As built into the engine; llguidance's newer releases know more.
FORMATS = frozenset(
    {"date", "time", "date-time", "duration", "email", "hostname", "ipv4", "ipv6", "uuid"}
)
ITEM_COUNTS = ("minItems", "maxItems")
OTHER_COUNTS = ("minLength", "maxLength", "minProperties", "maxProperties")
# The compiler's automaton counts remainders, and knows no negative multiples.
MULTIPLES = (0.001, 1_000)
BOUNDS = frozenset({"multipleOf", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"})
# What a pattern beside it is merged with, and what limits a text in other ways.
MERGED = frozenset({"anyOf", "oneOf", "$ref"})
LIMITS = frozenset({"minLength", "maxLength", "format"})
# Sums over the whole schema.
SUMS = {"properties": MAX_PROPERTIES, "enum": MAX_ENUM} | dict.fromkeys(
    ("anyOf", "oneOf", "allOf", "patternProperties", "prefixItems"), MAX_ALTERNATIVES
)


def check_response_schema(schema: Mapping[str, Any]) -> None:
    """Raise SllmError `invalid_parameter` unless every answer can be held to `schema`."""
    nodes = list(_nodes(schema))
    text = json.dumps(schema, ensure_ascii=False)
    if len(text.encode("utf-8")) > MAX_BYTES:
        refuse("schema_too_large", limit=MAX_BYTES)
    _check_sums(nodes)
    for node in nodes:
        _check_node(node)
    _check_patterns(nodes)
    _check_multiples(nodes)
    if has_empty_cycle(schema, nodes):
        refuse("schema_ref")
    _check_by_compiler(text)


def refuse(text: str, **values: Any) -> NoReturn:
    """Raise the error that says `text` about the schema; whoever took it from another field of a
    request changes `param`."""
    raise SllmError("invalid_parameter", text, param="response_format", **values)


def _nodes(schema: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Every object in the schema, be it a schema itself or not, to MAX_DEPTH."""
    waiting: list[tuple[Any, int]] = [(schema, 1)]
    while waiting:
        value, depth = waiting.pop()
        if isinstance(value, dict | list) and depth > MAX_DEPTH:
            refuse("schema_too_deep", limit=MAX_DEPTH)
        if isinstance(value, dict):
            yield value
            waiting.extend((item, depth + 1) for item in value.values())
        elif isinstance(value, list):
            waiting.extend((item, depth + 1) for item in value)


def _check_sums(nodes: list[Mapping[str, Any]]) -> None:
    for keyword, limit in SUMS.items():
        values = (node[keyword] for node in nodes if keyword in node)
        if sum(len(value) for value in values if isinstance(value, dict | list)) > limit:
            refuse("schema_too_many", keyword=keyword, limit=limit)
    for keyword in ITEM_COUNTS:
        values = (node[keyword] for node in nodes if keyword in node)
        if sum(value for value in values if isinstance(value, int)) > MAX_ITEMS:
            refuse("schema_count", keyword=keyword, limit=MAX_ITEMS)


def _check_node(node: Mapping[str, Any]) -> None:
    # A property may be called like a keyword; then its value is a schema, so an object.
    for keyword in (*ITEM_COUNTS, *OTHER_COUNTS):
        count = node.get(keyword)
        if isinstance(count, int | float) and not 0 <= count <= MAX_LENGTH:
            refuse("schema_count", keyword=keyword, limit=MAX_LENGTH)
    if isinstance(node.get("format"), str) and node["format"] not in FORMATS:
        refuse("schema_keyword_unsupported", keyword="format")
    if "x-guidance" in node:  # the compiler's own options, some of which turn checks off
        refuse("schema_keyword_unsupported", keyword="x-guidance")


def _check_patterns(nodes: list[Mapping[str, Any]]) -> None:
    """Patterns that are judged together with something else must be simpler."""
    merged = any(
        "allOf" in node or (MERGED & node.keys() and LIMITS & node.keys()) for node in nodes
    )
    for node in nodes:
        combined = merged or bool((MERGED | LIMITS) & node.keys())
        pattern = node.get("pattern")
        safe = not isinstance(pattern, str) or is_safe_pattern(pattern, combined)
        names = node.get("patternProperties")
        if isinstance(names, dict):
            safe &= all(is_safe_pattern(name, combined=True) for name in names)
        if not safe:
            refuse("schema_pattern", limit=MAX_PATTERN_BYTES)


def _check_multiples(nodes: list[Mapping[str, Any]]) -> None:
    """Multiples of small numbers, not mixed with other schemas' and not below zero."""
    merged = any(
        "allOf" in node or (MERGED & node.keys() and BOUNDS & node.keys()) for node in nodes
    )
    for node in nodes:
        factor = node.get("multipleOf")
        if not isinstance(factor, int | float):
            continue
        upper = [node[name] for name in ("maximum", "exclusiveMaximum") if name in node]
        below_zero = any(isinstance(bound, int | float) and bound < 0 for bound in upper)
        if merged or below_zero or not MULTIPLES[0] <= factor <= MULTIPLES[1]:
            refuse("schema_keyword_unsupported", keyword="multipleOf")


# What llguidance says, and what that means to the client; its own words may quote the schema.
MEANINGS = (
    (
        re.compile(r'Unimplemented keys: \["(?P<keyword>[$A-Za-z]{1,40})"'),
        "schema_keyword_unsupported",
    ),
    (re.compile(r"(?P<keyword>oneOf) constraints"), "schema_keyword_unsupported"),
    (re.compile(r"Unsatisfiable"), "schema_impossible"),
    (re.compile(r"regex|lookaround"), "schema_pattern"),
    (re.compile(r"Pointer|Resource|\$ref"), "schema_ref"),
    (re.compile(r"(?P<keyword>[$A-Za-z]{1,40})'? (?:must be|, got)"), "schema_keyword_type"),
    (re.compile(r"Invalid (?P<keyword>type)"), "schema_keyword_type"),
)


def _check_by_compiler(text: str) -> None:
    problem = LLMatcher.validate_grammar(LLMatcher.grammar_from_json_schema(text))
    if not problem:
        return
    for pattern, meaning in MEANINGS:
        match = pattern.search(problem)
        if match:
            refuse(meaning, limit=MAX_PATTERN_BYTES, **match.groupdict())
    refuse("schema_complex")
