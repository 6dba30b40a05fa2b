"""Exports and imports as a client does them."""

import json
from typing import Any

import httpx

PATH = "/api/v4/conversations"
JSON = {"Content-Type": "application/json"}


def bring(
    client: httpx.Client, body: Any, *, expect: int = 200, headers: dict[str, str] | None = None
) -> dict[str, Any]:
    """Import bytes as they are, anything else as JSON."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    answer = client.post(f"{PATH}/import", content=content, headers=JSON | (headers or {}))
    assert answer.status_code == expect, answer.text
    told: dict[str, Any] = answer.json()
    return told


def brought(client: httpx.Client, *bodies: Any) -> list[str]:
    """The ids of conversations that must all be taken."""
    told = bring(client, list(bodies))
    assert told["skipped"] == []
    ids: list[str] = told["conversations"]
    assert told["imported"] == len(ids) == len(bodies)
    return ids


def taken(client: httpx.Client, id_: str) -> dict[str, Any]:
    """The JSON export of one."""
    answer = client.get(f"{PATH}/{id_}/export")
    assert answer.status_code == 200, answer.text
    exported: dict[str, Any] = answer.json()
    return exported


def lines(client: httpx.Client) -> list[dict[str, Any]]:
    """The export of all."""
    answer = client.get(f"{PATH}/export")
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Type"] == "application/x-ndjson"
    return [json.loads(line) for line in answer.text.splitlines()]


def listed(client: httpx.Client, **query: Any) -> list[str]:
    """The ids on one page of the list; `metadata_k` stands for `metadata.k`."""
    named = {name.replace("metadata_", "metadata."): value for name, value in query.items()}
    answer = client.get(PATH, params={"page_size": 100, **named})
    assert answer.status_code == 200, answer.text
    return [item["id"] for item in answer.json()["items"]]


def plain(
    *turns: str, title: str = "Talk", metadata: dict[str, str] | None = None
) -> dict[str, Any]:
    """A conversation in our own format: user and assistant by turns."""
    roles = ("user", "assistant")
    messages = [
        {
            "id": f"m{n}",
            "parent_id": f"m{n - 1}" if n else None,
            "role": roles[n % 2],
            "content": text,
            "created_at": f"2026-01-01T00:00:{n % 60:02}Z",
        }
        for n, text in enumerate(turns)
    ]
    return {
        "format": "sllm.conversation",
        "version": 1,
        "title": title,
        "metadata": metadata or {},
        "created_at": "2026-01-01T00:00:00Z",
        "updated_at": "2026-01-01T00:01:00Z",
        "messages": messages,
    }


def without_ids(exported: dict[str, Any]) -> dict[str, Any]:
    """An export as it would be of any copy: places instead of ids."""
    places: dict[str | None, int | None] = {None: None}
    places |= {m["id"]: n for n, m in enumerate(exported["messages"])}
    messages = [
        {**m, "id": places[m["id"]], "parent_id": places[m["parent_id"]]}
        for m in exported["messages"]
    ]
    current = places[exported["current_message_id"]]
    return {**exported, "id": None, "messages": messages, "current_message_id": current}
