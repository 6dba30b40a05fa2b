"""The chat page at /ui: files built from `ui/`, which speak only the public API."""

from importlib.resources import files

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

_STATIC = str(files(__package__) / "static")
# Nothing from elsewhere, no inline style or script, and no text that becomes HTML or a script.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; connect-src 'self'; "
    "img-src 'self' blob:; object-src 'none'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
)
# A file's name holds a hash of its content; these alone are always called the same.
UNHASHED = ("index.html", "icon.svg", "LICENSES.txt", "build.json")


class Assets(StaticFiles):
    """The built files, which browsers need to fetch but once."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        lasting = "no-cache" if path in UNHASHED else "public, max-age=31536000, immutable"
        response.headers["Cache-Control"] = lasting if response.status_code < 400 else "no-store"
        return response


async def _page(_: Request) -> FileResponse:
    headers = {"Cache-Control": "no-cache", "Content-Security-Policy": POLICY}
    return FileResponse(f"{_STATIC}/index.html", headers=headers)


def mount(app: FastAPI) -> None:
    """Add `/ui` and its assets; no document lists them."""
    app.add_route("/ui", _page, methods=["GET"], include_in_schema=False)
    app.mount("/ui/static", Assets(directory=_STATIC), name="ui-static")
