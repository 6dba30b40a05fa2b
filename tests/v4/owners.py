"""Two owners at one server, and what they do with templates."""

import secrets
from dataclasses import dataclass
from typing import Any

import httpx

from tests.support import Server

PATH = "/api/v4/prompt/templates"


@dataclass(frozen=True)
class Owners:
    """`mine` and `hers` send their own API keys; `key` is the first one's."""

    server: Server
    mine: httpx.Client
    hers: httpx.Client
    key: str


def fresh() -> str:
    """A name that has never been used: versions count on where one was deleted."""
    return f"own{secrets.token_hex(8)}"


def make(client: httpx.Client, name: str = "own", **fields: Any) -> dict[str, Any]:
    """A new template, which must be taken."""
    answer = client.post(PATH, json={"name": name, "system": "Be kind.", **fields})
    assert answer.status_code == 201, answer.text
    body: dict[str, Any] = answer.json()
    return body


def names(client: httpx.Client, version: str = "v4", **query: Any) -> list[str]:
    """Of one page of the list."""
    answer = client.get(f"/api/{version}/prompt/templates", params=query)
    assert answer.status_code == 200, answer.text
    return [item["name"] for item in answer.json()["items"]]


def error(answer: httpx.Response) -> tuple[int, str, str | None]:
    """Status, code and the field at fault."""
    told = answer.json()["error"]
    return answer.status_code, told["code"], told.get("param")
