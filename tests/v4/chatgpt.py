"""ChatGPT exports, made for tests."""

import json
from typing import Any


def node(
    parent: str | None, role: str = "user", text: Any = "words", **fields: Any
) -> dict[str, Any]:
    """A node; `content` among the fields replaces the text, and others go into the message."""
    content = fields.pop("content", {"content_type": "text", "parts": [text]})
    message = {"author": {"role": role, "name": None}, "content": content, "weight": 1.0, **fields}
    return {"message": {"create_time": None, **message}, "parent": parent, "children": []}


def silent(parent: str | None) -> dict[str, Any]:
    """A node without a message, as the root is."""
    return {"message": None, "parent": parent, "children": []}


def conversation(nodes: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """One item of `conversations.json`."""
    for id_, each in nodes.items():
        if isinstance(each, dict):
            each["id"] = id_
    known = {
        "title": "Sky",
        "create_time": 1700000000.25,
        "update_time": 1700000100,
        "mapping": nodes,
        "moderation_results": [],
        "current_node": [*nodes, None][-2] if nodes else None,
        "conversation_id": "0f9c7f0e-0000-4000-8000-000000000000",
        "plugin_ids": None,
    }
    return {**known, **fields}


def simple() -> dict[str, Any]:
    """As most are: an empty root, a hidden system message, turns, and an answer asked twice."""
    nodes = {
        "root": silent(None),
        "system": node(
            "root", "system", "", metadata={"is_visually_hidden_from_conversation": True}
        ),
        "q1": node("system", "user", "하늘은 왜 파란가요?", create_time=1700000001.5),
        "a1": node("q1", "assistant", "산란 때문입니다.", create_time=1700000002.5),
        "a2": node("q1", "assistant", "레일리 산란입니다.", create_time=1700000003.5),
        "q2": node("a2", "user", "더 자세히", create_time=1700000004.5),
        "a3": node("q2", "assistant", "```text\n코드\n```", create_time=1700000005.5),
    }
    return conversation(nodes, current_node="a3")


def as_bytes(value: Any) -> bytes:
    return json.dumps(value).encode()
