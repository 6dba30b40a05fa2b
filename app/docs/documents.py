"""OpenAPI 3.1 documents: one for each version, and one of everything that the server serves."""

from collections.abc import Iterator
from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.openapi.utils import get_openapi

from app.docs.error_responses import drop_impossible
from app.versions import Version, router_of

DESCRIPTION = (
    "A server for small language models. Errors have one shape, ids are opaque, times are "
    "RFC 3339 in UTC, and every response carries an `X-Request-ID`."
)
METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")


def version_document(version: Version) -> dict[str, Any]:
    """The document of one version, the same whatever else this server serves."""
    title = f"SLLM API {version.name}"
    return _document(router_of(version), title, version.name, version.summary)


def whole_document(app: FastAPI) -> dict[str, Any]:
    """The document of every route of `app`, all versions together."""
    return _document(app.router, app.title, app.version, app.summary or "")


def _document(router: APIRouter, title: str, version: str, summary: str) -> dict[str, Any]:
    document = get_openapi(
        title=title,
        version=version,
        summary=summary,
        description=DESCRIPTION,
        routes=router.routes,
    )
    for operation in operations(document):
        drop_impossible(operation)
    return document


def operations(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Every operation object of an OpenAPI document."""
    for path in document["paths"].values():
        yield from (path[method] for method in METHODS if method in path)
