"""When a prompt template is well-formed; checked once, where one is made or read."""

from collections.abc import Iterator

from app.domain.prompt_templates import (
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
    """Raise TemplateError, with all that is wrong, unless every placeholder has its variable and
    every variable makes sense."""
    names = [variable.name for variable in template.variables]
    problems = [
        Problem(("variables", number, *field), kind)
        for number, variable in enumerate(template.variables)
        for field, kind in _faults(variable, names[:number])
    ]
    for place, text in texts_of(template):
        if "{{" in "".join(_outside(text, set(names))):
            problems.append(Problem(place, "placeholder", {"names": ", ".join(names)}))
    if problems:
        raise TemplateError(*problems)


def _outside(text: str, names: set[str]) -> Iterator[str]:
    """The text without its placeholders, a blank in place of each; unknown ones stay."""
    pieces = PLACEHOLDER.split(text)
    for number, piece in enumerate(pieces):
        if number % 2 == 0:
            yield piece
        else:
            yield " " if piece in names else "{{"


def _faults(variable: Variable, earlier: list[str]) -> Iterator[tuple[tuple[str, ...], str]]:
    """What is wrong with the declaration of a variable: a field of it, and what kind."""
    if not VARIABLE_NAME.fullmatch(variable.name):
        yield ("name",), "variable_name"
    if variable.name in earlier:
        yield ("name",), "variable_twice"
    if (variable.type == "enum") != bool(variable.values):
        yield ("values",), "enum_values"
    if variable.default is not None:
        wrong = fault_of(variable, variable.default)
        if variable.required or wrong:
            yield ("default",), wrong or "required_default"
