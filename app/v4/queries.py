"""The list's query parameters: `metadata.key=value` has as many names as there are labels."""

from typing import Annotated, Any

from fastapi import Depends, Request
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError

from app.v4.models.schemas import ConversationListQuery

LABEL = "metadata."


async def get_list_query(request: Request) -> ConversationListQuery:
    """Raises RequestValidationError, also for a name that is unknown or comes twice."""
    given: dict[str, Any] = {}
    labels: dict[str, str] = {}
    for name, value in request.query_params.multi_items():
        place, key = (labels, name.removeprefix(LABEL)) if name.startswith(LABEL) else (given, name)
        if key in place or name == "metadata":
            raise _wrong(name, "extra_forbidden" if name == "metadata" else "query_twice")
        place[key] = value
    try:
        return ConversationListQuery.model_validate({**given, "metadata": labels})
    except ValidationError as error:
        problems = [{**e, "loc": ("query", *e["loc"])} for e in error.errors()]
        raise RequestValidationError(problems) from error


def _wrong(name: str, kind: str) -> RequestValidationError:
    return RequestValidationError([{"loc": ("query", name), "type": kind, "ctx": {}}])


def _parameters() -> dict[str, Any]:
    """For OpenAPI, which FastAPI cannot tell from the request alone."""
    fields = ConversationListQuery.model_json_schema()["properties"]
    named = [
        {"name": name, "in": "query", "required": False, "schema": schema}
        for name, schema in fields.items()
        if name != "metadata"
    ]
    label = {
        "name": "metadata.*",
        "in": "query",
        "required": False,
        "schema": {"type": "string"},
        "description": "`metadata.project=report` lists those with this label; several must all "
        "hold.",
    }
    return {"parameters": [*named, label]}


LIST_PARAMETERS = _parameters()
ListQueryDep = Annotated[ConversationListQuery, Depends(get_list_query)]
