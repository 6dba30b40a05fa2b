"""The examples that schemas carry themselves are values which those schemas take."""

import json
from collections.abc import Iterator
from typing import Annotated, Any

import pytest
from pydantic import BaseModel, TypeAdapter
from pydantic.fields import FieldInfo

from app import versions

assert versions.VERSIONS  # they bring every schema with them


def schemas(base: type[BaseModel] = BaseModel) -> Iterator[type[BaseModel]]:
    """Every schema of the server."""
    for each in base.__subclasses__():
        if each.__module__.startswith("app."):
            yield each
        yield from schemas(each)


def whole_examples() -> list[tuple[type[BaseModel], Any]]:
    extras = [(each, each.model_config.get("json_schema_extra")) for each in {*schemas()}]
    found = [
        (each, example)
        for each, extra in extras
        if isinstance(extra, dict)
        for example in _listed(extra.get("examples"))
    ]
    return sorted(found, key=lambda entry: (entry[0].__name__, str(entry[1])))


def field_examples() -> list[tuple[str, FieldInfo, Any]]:
    found = [
        (f"{each.__module__}.{each.__name__}.{name}", field, example)
        for each in {*schemas()}
        for name, field in each.model_fields.items()
        for example in field.examples or ()
    ]
    return sorted(found, key=lambda entry: (entry[0], str(entry[2])))


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


@pytest.mark.parametrize(("schema", "example"), whole_examples())
def test_an_example_of_a_body_is_taken(schema: type[BaseModel], example: Any) -> None:
    schema.model_validate_json(json.dumps(example))


@pytest.mark.parametrize(("name", "field", "example"), field_examples())
def test_an_example_of_a_field_is_taken(name: str, field: FieldInfo, example: Any) -> None:
    kind: Any = Annotated[field.annotation, "an example", *field.metadata]
    TypeAdapter(kind).validate_json(json.dumps(example))


def test_there_are_some_of_both() -> None:
    assert len(whole_examples()) > 10
    assert len(field_examples()) > 50
