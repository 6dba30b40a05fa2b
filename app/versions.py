"""The table of API versions: which features each has, under which path, in one place."""

from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute, iter_route_contexts
from msgspec import Struct, to_builtins

from app import v1, v2, v3, v4, v5
from app.docs.error_responses import error_responses
from app.edge.strict_route import StrictRoute

Features = Mapping[str, APIRouter]


class Version(Struct, frozen=True):
    """One version of the API: its features by name, each a router."""

    name: str
    summary: str
    features: Features

    @property
    def path(self) -> str:
        """Where its routes are: `/api/v1`."""
        return f"/api/{self.name}"


VERSIONS: Sequence[Version] = (
    Version("v1", "One question, one answer", v1.FEATURES),
    Version("v2", "The same, streamed as it is generated", v2.FEATURES),
    Version("v3", "Prompt templates, and chats with one", v3.FEATURES),
    Version("v4", "Conversations that are kept, and templates of your own", v4.FEATURES),
    Version("v5", "Images, in the same conversations", v5.FEATURES),
)


class Endpoint(Struct, frozen=True):
    """A route as `GET /` lists it."""

    method: str
    path: str
    summary: str


def mount(app: FastAPI, versions: Sequence[Version] = VERSIONS) -> None:
    """Add the routes of every version to `app`."""
    for version in versions:
        app.include_router(router_of(version))


def router_of(version: Version) -> APIRouter:
    """The routes of one version under its path.

    Raises TypeError for a router whose bodies would not be read strictly.
    """
    router = APIRouter(prefix=version.path, tags=[version.name])
    for name, feature in version.features.items():
        check_strict(name, feature)
        router.include_router(feature, responses=error_responses())
    return router


def check_strict(name: str, feature: APIRouter) -> None:
    """A router that forgot `route_class=StrictRoute` would take what the contract refuses."""
    for context in iter_route_contexts(feature.routes):
        route = context.original_route
        if isinstance(route, APIRoute) and not isinstance(route, StrictRoute):
            raise TypeError(f"the routes of {name!r} need APIRouter(route_class=StrictRoute)")


def endpoints_of(version: Version) -> list[Endpoint]:
    """Every route of one version, in the order of its features."""
    found = []
    for context in iter_route_contexts(router_of(version).routes):
        if isinstance(context.original_route, APIRoute) and context.include_in_schema:
            summary = context.summary or context.original_route.name.replace("_", " ").capitalize()
            methods = sorted(context.methods or ())
            found += [Endpoint(method, context.path or "", summary) for method in methods]
    return found


def describe(app: FastAPI, versions: Sequence[Version] = VERSIONS) -> dict[str, Any]:
    """The body of `GET /` but for the models' ids: what this server is and all its endpoints."""
    return {
        "name": app.title,
        "version": app.version,
        "description": app.summary or app.description,
        "documentation": {"swagger": "/docs", "redoc": "/redoc", "openapi": "/openapi.json"},
        "chat_ui": "/ui",
        "versions": [_described(version) for version in versions],
        "models": {"text": None, "vision": None},
    }


def _described(version: Version) -> dict[str, Any]:
    return {
        "version": version.name,
        "path": version.path,
        "summary": version.summary,
        "endpoints": to_builtins(endpoints_of(version)),
        "openapi": f"{version.path}/openapi.json",
    }
