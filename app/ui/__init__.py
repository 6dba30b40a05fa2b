"""The chat page at /ui: plain files that speak only the public API."""

from importlib.resources import files

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import FileResponse
from starlette.staticfiles import StaticFiles

_STATIC = str(files(__package__) / "static")


async def _page(_: Request) -> FileResponse:
    return FileResponse(f"{_STATIC}/index.html", headers={"Cache-Control": "no-cache"})


def mount(app: FastAPI) -> None:
    """Add `/ui` and its assets; no document lists them."""
    app.add_route("/ui", _page, methods=["GET"], include_in_schema=False)
    app.mount("/ui/static", StaticFiles(directory=_STATIC), name="ui-static")
