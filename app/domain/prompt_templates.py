"""Prompt templates: what they are, and how values become text.

`{{name}}` stands for a variable's value, blanks inside the braces allowed. It is replaced once and
literally: nothing is evaluated, and a value that spells a placeholder stays as it is. Every other
`{{` in a template is a mistake; there is no way to escape one, but a value may hold it.
"""

import json
import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Literal

from msgspec import Struct

from app.domain.messages import Message

MAX_BYTES = 64 * 1024
MAX_RENDERED_BYTES = 64 * 1024
TEMPLATE_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
PLACEHOLDER = re.compile(r"\{\{ *([a-z][a-z0-9_]{0,63}) *\}\}")
VARIABLE_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")

TemplateLanguage = Literal["ko", "en", "multi"]
VariableType = Literal["string", "number", "boolean", "enum"]
Scalar = str | int | float | bool
# The same text in several languages, by ISO 639-1 code; the first is for everybody else.
Texts = dict[str, str]


class Variable(Struct, frozen=True, forbid_unknown_fields=True):
    """A value that a template takes. One that is neither required nor has a default is empty
    text when it is left out; `values` are those of an enum, which are strings."""

    name: str
    type: VariableType
    description: Texts
    required: bool = False
    default: Scalar | None = None
    values: tuple[str, ...] = ()


class ExampleTurn(Struct, frozen=True, forbid_unknown_fields=True):
    """A question and the answer that it should get."""

    user: str
    assistant: str


class PromptTemplate(Struct, frozen=True, forbid_unknown_fields=True):
    """A system prompt, example turns, and generation options to use them with.

    `language` is the one that it is written for; `options` are named and limited as those of a
    chat request are. Whoever builds one calls `app.domain.template_check`.
    """

    name: str
    title: Texts
    description: Texts
    language: TemplateLanguage
    system: str
    created_at: datetime
    updated_at: datetime
    examples: tuple[ExampleTurn, ...] = ()
    variables: tuple[Variable, ...] = ()
    options: dict[str, Any] = {}
    tags: tuple[str, ...] = ()
    builtin: bool = True
    version: int = 1


class Rendered(Struct, frozen=True):
    """A template filled in: `head` goes before the conversation, `options` are defaults."""

    head: tuple[Message, ...]
    options: dict[str, Any]


class Problem(Struct, frozen=True):
    """What is wrong and where: `kind` is the end of a text's key (`validation_…`)."""

    field: tuple[str | int, ...]
    kind: str
    values: dict[str, str | int] = {}


class TemplateError(ValueError):
    """Something about a template is wrong, all of `problems`."""

    def __init__(self, *problems: Problem) -> None:
        super().__init__(*problems)
        self.problems = problems


class InvalidVariables(TemplateError):
    """The values do not suit the template, or make it too long."""


def text_in(texts: Texts, language: str) -> str:
    """The text in `language`, or in the template's first language."""
    return texts.get(language) or next(iter(texts.values()), "")


def render(template: PromptTemplate, values: Mapping[str, object]) -> Rendered:
    """Fill in `values` (JSON values by variable name; None is as if absent).

    Numbers and booleans are written as JSON writes them. Raises InvalidVariables for unknown
    names, missing or wrong values, and more than MAX_RENDERED_BYTES of UTF-8 in all. Takes time
    linear in the template and the values.
    """
    given = {name: value for name, value in values.items() if value is not None}
    problems = list(_problems(template, given))
    if problems:
        raise InvalidVariables(*problems)
    texts = {v.name: _written(given.get(v.name, v.default)) for v in template.variables}
    parts = [_filled(text, texts) for _, text in texts_of(template)]
    if sum(len(piece) for part in parts for piece in part) > MAX_RENDERED_BYTES:
        raise _too_long()
    system, *turns = ("".join(part) for part in parts)
    if sum(len(text.encode()) for text in (system, *turns)) > MAX_RENDERED_BYTES:
        raise _too_long()
    examples = (
        Message("assistant" if number % 2 else "user", text) for number, text in enumerate(turns)
    )
    first = (Message("system", system),) if system else ()
    return Rendered((*first, *examples), template.options)


def texts_of(template: PromptTemplate) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Every text with placeholders, and its field."""
    yield ("system",), template.system
    for number, example in enumerate(template.examples):
        yield ("examples", number, "user"), example.user
        yield ("examples", number, "assistant"), example.assistant


def _filled(text: str, values: Mapping[str, str]) -> list[str]:
    pieces = PLACEHOLDER.split(text)
    pieces[1::2] = [values[name] for name in pieces[1::2]]
    return pieces


def _problems(template: PromptTemplate, given: Mapping[str, object]) -> Iterator[Problem]:
    declared = {variable.name: variable for variable in template.variables}
    known: dict[str, str | int] = {"names": ", ".join(declared) or "-"}
    for name in given:
        if name not in declared:
            yield Problem(("variables", name), "variable_unknown", known)
    for name, variable in declared.items():
        kind = fault_of(variable, given[name]) if name in given else None
        if name not in given and variable.required:
            kind = "missing"
        if kind is not None:
            expected: dict[str, str | int] = {"expected": ", ".join(variable.values)}
            yield Problem(("variables", name), kind, expected)


def fault_of(variable: Variable, value: object) -> str | None:
    """The kind of problem with a value, if there is one."""
    match variable.type:
        case "string":
            return None if isinstance(value, str) else "string_type"
        case "boolean":
            return None if isinstance(value, bool) else "bool_type"
        case "number":
            is_number = isinstance(value, int | float) and not isinstance(value, bool)
            return None if is_number else "float_type"
    return None if value in variable.values else "literal_error"


def _written(value: object) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value)


def _too_long() -> InvalidVariables:
    return InvalidVariables(
        Problem(("variables",), "rendered_too_long", {"limit": MAX_RENDERED_BYTES})
    )
