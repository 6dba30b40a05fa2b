"""The route of a request as a template, `/api/v4/conversations/{conversation_id}`: for labels that
must not grow with what clients send."""

import re
from collections.abc import Iterable

from fastapi.routing import iter_route_contexts
from starlette.routing import BaseRoute, Mount
from starlette.types import Scope

UNMATCHED = "(unmatched)"
METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"})
_PARAMETER = re.compile(r"\{[^{}:]+(?P<whole>:path)?\}")


class RouteNames:
    """All templates in one expression: a request costs one match, refused ones included."""

    def __init__(self, routes: Iterable[BaseRoute]) -> None:
        self._templates = list(dict.fromkeys(map(_template, iter_route_contexts(list(routes)))))
        branches = [
            f"(?P<r{number}>{_expression(each)})" for number, each in enumerate(self._templates)
        ]
        self._any = re.compile("|".join(branches) or "(?!)")

    def of(self, path: str) -> str:
        """The template of a path, or UNMATCHED."""
        found = self._any.fullmatch(path)
        return self._templates[int((found.lastgroup or "r0")[1:])] if found else UNMATCHED


def _template(context: object) -> str:
    route = getattr(context, "original_route", None)
    path = str(getattr(context, "path", "") or "")
    return f"{path}/{{path:path}}" if isinstance(route, Mount) else path


def _expression(template: str) -> str:
    parts, at = [], 0
    for found in _PARAMETER.finditer(template):
        parts.append(re.escape(template[at : found.start()]))
        parts.append(".*" if found["whole"] else "[^/]+")
        at = found.end()
    return "".join([*parts, re.escape(template[at:])])


def route_of(scope: Scope) -> str:
    """Of the application that serves `scope`; UNMATCHED where there is none."""
    app = scope.get("app")
    if app is None:
        return UNMATCHED
    if not hasattr(app.state, "route_names"):
        app.state.route_names = RouteNames(app.routes)
    names: RouteNames = app.state.route_names
    return names.of(str(scope["path"]))


def method_of(scope: Scope) -> str:
    """One of METHODS, or OTHER."""
    method = str(scope["method"])
    return method if method in METHODS else "OTHER"
