"""How OpenAPI documents the errors that any route may answer with."""

from typing import Any

from pydantic import BaseModel, Field

from app.domain.errors import STATUS
from app.i18n import translate


class ErrorSchema(BaseModel):
    """What went wrong."""

    code: str = Field(
        description="What kind of error; it never changes.", json_schema_extra={"enum": [*STATUS]}
    )
    message: str = Field(description="Plain words, in the language of Accept-Language (en, ko).")
    param: str | None = Field(default=None, description="The field or header at fault.")
    request_id: str = Field(description="As in the X-Request-ID header; the log has the same.")
    details: dict[str, Any] | None = Field(
        default=None, description="`errors` (a list of field and reason), or numbers that explain."
    )


class ErrorResponse(BaseModel):
    """The one shape of every error under /api."""

    error: ErrorSchema


def error_responses() -> dict[int | str, dict[str, Any]]:
    """For `responses=` of a router: every status that is not particular to one route."""
    codes: dict[int, list[str]] = {}
    for code, status in STATUS.items():
        if code not in PARTICULAR:
            codes.setdefault(status, []).append(code)
    return {status: response(status, names) for status, names in codes.items()}


# Codes of features that document them where they are used.
PARTICULAR = frozenset(
    {"conflict", "image_url_not_allowed", "invalid_image", "storage_full", "unauthorized"}
    | {"method_not_allowed"}
)
OF_BODIES = frozenset({"408", "413", "415"})
OF_INPUT = frozenset({"400", "422"})


def response(status: int, codes: list[str]) -> dict[str, Any]:
    """The documentation of one status: which codes it comes with, and the headers."""
    sentences = (f"- `{code}`: {translate(code, 'en')}" for code in codes)
    documented: dict[str, Any] = {"model": ErrorResponse, "description": "\n".join(sentences)}
    if status in (429, 503):
        documented["headers"] = {
            "Retry-After": {
                "description": "Whole seconds to wait, at least 1.",
                "schema": {"type": "integer", "minimum": 1},
            }
        }
    return documented


# For `responses=` of the routes that write to the database.
WRITE_RESPONSES: dict[int | str, dict[str, Any]] = {
    409: response(409, ["conflict"]),
    507: response(507, ["storage_full"]),
}


def drop_impossible(operation: dict[str, Any]) -> None:
    """Take away the errors that a route without body or parameters can never answer with."""
    impossible: frozenset[str] = frozenset()
    if "requestBody" not in operation:
        impossible |= OF_BODIES
        if "parameters" not in operation:
            impossible |= OF_INPUT
    for status in impossible:
        operation["responses"].pop(status, None)
