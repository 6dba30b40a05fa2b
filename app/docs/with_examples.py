"""An OpenAPI document with the examples that were run, as Swagger UI and ReDoc show them."""

from copy import deepcopy
from typing import Any

from app.docs.examples.exchange import Exchange

Document = dict[str, Any]


def with_examples(document: Document, exchanges: list[Exchange]) -> Document:
    """A copy; examples that were written by hand make room for those that were run."""
    made = deepcopy(document)
    for exchange in exchanges:
        operation = made["paths"][exchange.route][exchange.method.lower()]
        _add_request(operation, exchange)
        _add_answer(operation["responses"], exchange)
    return made


def _add_request(operation: Document, exchange: Exchange) -> None:
    content = operation.get("requestBody", {}).get("content", {})
    sent = exchange.sent
    for kind, value in (("application/json", sent.body), ("multipart/form-data", sent.form)):
        if kind in content and value:
            _add(content[kind], exchange, value)


def _add_answer(responses: Document, exchange: Exchange) -> None:
    answer = exchange.answered
    kind = answer.headers.get("content-type", "").partition(";")[0]
    content = responses.get(str(answer.status), {}).get("content", {})
    value = answer.body if answer.body is not None else answer.text
    if kind in content and value:
        _add(content[kind], exchange, value)


def _add(media: Document, exchange: Exchange, value: Any) -> None:
    media.pop("example", None)
    media.setdefault("examples", {})[exchange.key] = {"summary": exchange.title, "value": value}
