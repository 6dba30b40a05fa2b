"""A conversation as a client sees it."""

from typing import Any

import httpx

from tests.support import Server, sse


def say(server: Server, message: str, *, expect: int = 200, **fields: Any) -> dict[str, Any]:
    """One v4 chat; `headers` among the fields go into the request's head."""
    headers = fields.pop("headers", {})
    answer = server.http.post("/api/v4/chat", json={"message": message, **fields}, headers=headers)
    assert answer.status_code == expect, answer.text
    body: dict[str, Any] = answer.json()
    return body


def say_streamed(server: Server, message: str, **fields: Any) -> list[tuple[str, Any]]:
    """All events of one streamed v4 chat."""
    headers = fields.pop("headers", {})
    body = {"message": message, **fields}
    with server.http.stream("POST", "/api/v4/chat/stream", json=body, headers=headers) as response:
        assert response.status_code == 200, response.read()
        return list(sse(response.iter_lines()))


def again(server: Server, conversation: str, message: str, **fields: Any) -> httpx.Response:
    """Regenerate, plain."""
    path = f"/api/v4/conversations/{conversation}/messages/{message}/regenerate"
    return server.http.post(path, json=fields) if fields else server.http.post(path)


def read(server: Server, conversation: str, **query: Any) -> dict[str, Any]:
    """The conversation with its messages."""
    answer = server.http.get(f"/api/v4/conversations/{conversation}", params=query)
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


def branch(server: Server, conversation: str) -> list[tuple[str, str, str]]:
    """(role, content, status) along the current branch."""
    messages = read(server, conversation)["messages"]
    return [(m["role"], m["content"], m["status"]) for m in messages]
