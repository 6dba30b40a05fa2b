"""The routes of the documentation: OpenAPI as JSON, Swagger UI and ReDoc from this package."""

import json
from collections.abc import Callable, Sequence
from functools import cache, partial
from html import escape
from importlib.resources import files
from typing import Any

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.staticfiles import StaticFiles

from app.docs.documents import version_document, whole_document
from app.versions import Version

STATIC = files(__package__) / "static"
ASSETS = "/docs/static"
EVERYTHING = "all versions"


def install(app: FastAPI, versions: Sequence[Version]) -> None:
    """Add /docs, /redoc, /openapi.json and each version's own; create `app` without FastAPI's.

    Call it after every other route is there.
    """
    documents = {EVERYTHING: "/openapi.json"}
    documents |= {version.name: f"{version.path}/openapi.json" for version in versions}
    add(app, "/openapi.json", serve_json(lambda: whole_document(app)))
    add(app, "/docs", serve_page(swagger_page(documents, EVERYTHING)))
    add(app, "/redoc", serve_page(redoc_page("/openapi.json")))
    for version in versions:
        add(app, f"{version.path}/openapi.json", serve_json(partial(version_document, version)))
        add(app, f"{version.path}/docs", serve_page(swagger_page(documents, version.name)))
    app.mount(ASSETS, StaticFiles(directory=str(STATIC)), name="docs-static")


Endpoint = Callable[[Request], Any]


def add(app: FastAPI, path: str, endpoint: Endpoint) -> None:
    """A GET route that no document lists."""
    app.add_route(path, endpoint, methods=["GET"], include_in_schema=False)


def serve_json(make: Callable[[], dict[str, Any]]) -> Endpoint:
    """Serve a document, made when it is first asked for."""
    made = cache(make)

    async def serve(_: Request) -> Response:
        return JSONResponse(made())

    return serve


def serve_page(page: str) -> Endpoint:
    """Serve a page that is ready."""

    async def serve(_: Request) -> Response:
        return HTMLResponse(page)

    return serve


def swagger_page(documents: dict[str, str], selected: str) -> str:
    """Swagger UI with a selector of `documents` (name to address)."""
    entries = [{"name": name, "url": url} for name, url in documents.items()]
    page = (STATIC / "swagger.html").read_text(encoding="utf-8")
    return page.replace("{documents}", escape(json.dumps(entries))).replace(
        "{selected}", escape(selected)
    )


def redoc_page(url: str) -> str:
    """ReDoc of the document at `url`."""
    page = (STATIC / "redoc.html").read_text(encoding="utf-8")
    return page.replace("{url}", escape(url))
