"""The one error type that crosses every layer; `STATUS` is API.md's table."""

from collections.abc import Mapping
from typing import Any

STATUS: Mapping[str, int] = {
    "invalid_json": 400,
    "invalid_parameter": 400,
    "context_length_exceeded": 400,
    "image_url_not_allowed": 400,
    "invalid_image": 400,
    "unsupported_by_engine": 400,
    "unauthorized": 401,
    "forbidden_host": 403,
    "forbidden_origin": 403,
    "not_found": 404,
    "method_not_allowed": 405,
    "request_timeout": 408,
    "conflict": 409,
    "too_large": 413,
    "unsupported_media_type": 415,
    "invalid_request": 422,
    "rate_limited": 429,
    "internal_error": 500,
    "model_loading": 503,
    "model_unavailable": 503,
    "overloaded": 503,
    "shutting_down": 503,
    "engine_died": 503,
    "deadline_exceeded": 504,
    "storage_full": 507,
}


class SllmError(Exception):
    """A failure that a client is told about.

    `code` is one of `STATUS`. `text` is a key of `app/i18n/{en,ko}.json`, filled with `values`
    (default: the code itself). `param` names the request's field; `details` go into the answer
    as they are; `retry_after` is whole seconds. None of them may hold the client's own input,
    a path or a secret.
    """

    def __init__(
        self,
        code: str,
        text: str | None = None,
        *,
        param: str | None = None,
        details: Mapping[str, Any] | None = None,
        retry_after: int | None = None,
        **values: Any,
    ) -> None:
        super().__init__(text or code)
        self.code = code
        self.text = text or code
        self.values = values
        self.param = param
        self.details = dict(details or {})
        self.retry_after = retry_after

    @property
    def status(self) -> int:
        return STATUS[self.code]
