"""When a prompt template is well-formed; checked once, where one is made or read."""

from collections.abc import Iterator
from typing import Any

from msgspec import Struct
from msgspec.structs import asdict, astuple

from app.domain.prompt_templates import (
    MAX_BYTES,
    PLACEHOLDER,
    VARIABLE_NAME,
    Problem,
    PromptTemplate,
    TemplateError,
    Variable,
    fault_of,
    texts_of,
)


def check_template(template: PromptTemplate) -> None:
    """Raise TemplateError, with all that is wrong, unless every placeholder has its variable,
    every variable makes sense, and all its texts have at most MAX_BYTES of UTF-8."""
    problems = [
        *_wrong_variables(template.variables),
        *_wrong_placeholders(template),
        *_too_large(template),
    ]
    if problems:
        raise TemplateError(*problems)


def _wrong_placeholders(template: PromptTemplate) -> Iterator[Problem]:
    names = [variable.name for variable in template.variables]
    # Only what can be a name is repeated in an error.
    known = ", ".join(filter(VARIABLE_NAME.fullmatch, names)) or "-"
    for place, text in texts_of(template):
        if "{{" in "".join(_outside(text, set(names))):
            yield Problem(place, "placeholder", {"names": known})


def _outside(text: str, names: set[str]) -> Iterator[str]:
    """The text without its placeholders, a blank in place of each; unknown ones stay."""
    pieces = PLACEHOLDER.split(text)
    for number, piece in enumerate(pieces):
        if number % 2 == 0:
            yield piece
        else:
            yield " " if piece in names else "{{"


def _wrong_variables(variables: tuple[Variable, ...]) -> Iterator[Problem]:
    earlier: set[str] = set()
    for number, variable in enumerate(variables):
        expected: dict[str, str | int] = {"expected": ", ".join(variable.values)}
        for field, kind in _faults(variable, earlier):
            yield Problem(("variables", number, field), kind, expected)
        earlier.add(variable.name)


def _faults(variable: Variable, earlier: set[str]) -> Iterator[tuple[str, str]]:
    """What is wrong with the declaration of a variable: a field of it, and what kind."""
    if not VARIABLE_NAME.fullmatch(variable.name):
        yield "name", "variable_name"
    if variable.name in earlier:
        yield "name", "variable_twice"
    if (variable.type == "enum") != bool(variable.values):
        yield "values", "enum_values"
    if variable.default is not None:
        wrong = fault_of(variable, variable.default)
        if variable.required or wrong:
            yield "default", wrong or "required_default"


def _too_large(template: PromptTemplate) -> Iterator[Problem]:
    """Names the largest field when all together are too much."""
    sizes = {name: _size(value) for name, value in asdict(template).items()}
    if sum(sizes.values()) > MAX_BYTES:
        largest = max(sizes, key=lambda name: sizes[name])
        yield Problem((largest,), "template_too_large", {"limit": MAX_BYTES})


def _size(value: Any) -> int:
    """Bytes of UTF-8 of every text in a field."""
    if isinstance(value, str):
        return len(value.encode())
    if isinstance(value, Struct):
        return _size(astuple(value))
    if isinstance(value, dict):
        return sum(map(_size, [*value, *value.values()]))
    return sum(map(_size, value)) if isinstance(value, list | tuple) else 0
