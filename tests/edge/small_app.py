"""A small application behind the real edge, for tests that need no engine."""

from typing import Annotated

from fastapi import APIRouter, Form
from pydantic import BaseModel, ConfigDict

from app import errors
from app.docs import pages
from app.domain.errors import SllmError
from app.edge.application import EdgeApplication, EdgeSettings
from app.edge.strict_route import StrictRoute
from app.v1.models.chat import ChatRequest
from app.versions import Version, mount

router = APIRouter(route_class=StrictRoute)


class Echo(BaseModel):
    """What arrived."""

    model_config = ConfigDict(frozen=True)

    messages: int
    max_tokens: int
    newest: str


@router.post("/chat", summary="Echo a chat")
async def chat(body: ChatRequest) -> Echo:
    """Say what arrived, as the services would see it."""
    messages = body.to_messages()
    options = body.to_options(default_max_tokens=512)
    newest = messages[-1].content[:100]
    return Echo(messages=len(messages), max_tokens=options.max_tokens, newest=newest)


@router.get("/fail/{code}", summary="Fail")
async def fail(code: str) -> None:
    """Raise the error `code`."""
    raise SllmError(code)


@router.get("/bug", summary="A bug")
async def bug() -> None:
    """Raise what nobody expects."""
    raise ZeroDivisionError("a secret: hunter2")


@router.get("/number/{number}", summary="Take a number")
async def number(number: int, limit: int = 3) -> int:
    """Parameters of the path and the query."""
    return number + limit


@router.post("/form", summary="Take a form")
async def form(message: Annotated[str, Form()]) -> str:
    """Not JSON, so not read as JSON."""
    return message


VERSION = Version("v1", "A test", {"chat": router})


def small_app(edge: EdgeSettings | None = None) -> EdgeApplication:
    """The application, new."""
    app = EdgeApplication(
        edge=edge, title="SLLM", version="0", docs_url=None, redoc_url=None, openapi_url=None
    )
    errors.install(app)
    mount(app, [VERSION])
    pages.install(app, [VERSION])
    return app
