"""From any failure to the answer that a client sees: one shape on /api, OpenAI's on /v1.

What went wrong is said by `SllmError` where it happens; which words, here and in `app.i18n`.
"""

import logging
from collections.abc import Mapping
from typing import Any, cast

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.types import Scope

from app.domain.errors import STATUS, SllmError
from app.edge.observation import note_error
from app.i18n import language_of, translate
from app.validation_errors import MOST_SHOWN, invalid_request

logger = logging.getLogger("sllm.errors")

# Seconds to wait when the place that failed knows no better.
RETRY_AFTER: Mapping[str, int] = {
    "rate_limited": 10,
    "model_loading": 2,
    "model_unavailable": 30,
    "overloaded": 1,
    "shutting_down": 5,
    "engine_died": 2,
}
OPENAI_TYPES: Mapping[int, str] = {401: "authentication_error", 429: "rate_limit_error"}
CODES: Mapping[int, str] = {
    400: "invalid_parameter",
    404: "not_found",
    405: "method_not_allowed",
    413: "too_large",
    415: "unsupported_media_type",
}


def install(app: FastAPI) -> None:
    """Give `app` a handler for every kind of failure, bugs included."""
    app.add_exception_handler(SllmError, _on_sllm_error)
    app.add_exception_handler(RequestValidationError, _on_validation_error)
    app.add_exception_handler(HTTPException, _on_http_exception)
    app.add_exception_handler(ClientDisconnect, _on_disconnect)
    app.add_exception_handler(Exception, _on_bug)


def render(error: SllmError, language: str, request_id: str) -> dict[str, Any]:
    """The body of an error answer, and the data of an SSE `error` event, on /api routes."""
    body: dict[str, Any] = {"code": error.code, "message": message_of(error, language)}
    if error.param is not None:
        body["param"] = error.param
    body["request_id"] = request_id
    if error.details:
        body["details"] = error.details
    return {"error": body}


def render_openai(error: SllmError, language: str) -> dict[str, Any]:
    """The same in the OpenAI shape, for /v1 routes."""
    default = "server_error" if error.status >= 500 else "invalid_request_error"
    return {
        "error": {
            "message": message_of(error, language),
            "type": OPENAI_TYPES.get(error.status, default),
            "param": error.param,
            "code": error.code,
        }
    }


def message_of(error: SllmError, language: str) -> str:
    """The sentence for people, in `language`."""
    known = {"retry_after": retry_after(error), "param": error.param}
    return translate(error.text, language, **{**known, **error.details, **error.values})


def retry_after(error: SllmError) -> int | None:
    """Whole seconds for the Retry-After header; every 429 and 503 has one."""
    if error.retry_after is not None:
        return max(1, error.retry_after)
    return RETRY_AFTER.get(error.code)


def response(
    scope: Scope, error: SllmError, headers: Mapping[str, str] | None = None
) -> JSONResponse:
    """The whole answer to the request of `scope`, in its language and its route's shape."""
    note_error(scope, error.code)
    language = scope_language(scope)
    if is_openai(scope):
        body = render_openai(error, language)
    else:
        body = render(error, language, request_id_of(scope))
    fields = dict(headers or {}) | {"Content-Language": language}
    seconds = retry_after(error)
    if seconds is not None:
        fields["Retry-After"] = str(seconds)
    return JSONResponse(body, status_code=error.status, headers=fields)


def is_openai(scope: Scope) -> bool:
    """Whether the route speaks the OpenAI dialect."""
    path = str(scope["path"])
    return path == "/v1" or path.startswith("/v1/")


def request_id_of(scope: Scope) -> str:
    """The id that the outermost layer gave this request."""
    return str(scope.get("state", {}).get("request_id", ""))


def scope_language(scope: Scope) -> str:
    """The language of the answer, from Accept-Language."""
    values = (value for name, value in scope["headers"] if name == b"accept-language")
    return language_of(b",".join(values).decode("latin-1") or None)


async def _on_sllm_error(request: Request, exc: Exception) -> Response:
    return response(request.scope, cast(SllmError, exc))


async def _on_validation_error(request: Request, exc: Exception) -> Response:
    errors = cast(RequestValidationError, exc).errors()
    most = 1 if is_openai(request.scope) else MOST_SHOWN  # OpenAI's shape has no `details`
    return response(request.scope, invalid_request(errors, scope_language(request.scope), most))


async def _on_http_exception(request: Request, exc: Exception) -> Response:
    exc = cast(HTTPException, exc)
    if isinstance(exc.__cause__, SllmError):  # FastAPI wraps what a form's body raises
        return response(request.scope, exc.__cause__)
    code = CODES.get(exc.status_code)
    if code is None:
        code = "internal_error" if exc.status_code >= 500 else "invalid_parameter"
    answer = response(request.scope, SllmError(code), exc.headers)
    if STATUS[code] != exc.status_code:
        answer.status_code = exc.status_code
    return answer


async def _on_disconnect(request: Request, exc: Exception) -> Response:
    # Nobody reads this; the access log says 499.
    return Response(status_code=499)


async def _on_bug(request: Request, exc: Exception) -> Response:
    # Starlette raises it again after this answer, so the server logs the traceback, once.
    logger.error("%s: internal error (%s)", request_id_of(request.scope), type(exc).__name__)
    return response(request.scope, SllmError("internal_error"))
