"""How OpenAPI tells of the files that are exported and imported."""

from typing import Any

JSON_LINES = "application/x-ndjson"
EXAMPLE = {
    "format": "sllm.conversation",
    "version": 1,
    "title": "The sky",
    "metadata": {},
    "created_at": "2026-01-01T00:00:00Z",
    "updated_at": "2026-01-01T00:00:03Z",
    "current_message_id": "b",
    "setup": {"template": None, "head": [], "options": {}},
    "messages": [
        {
            "id": "a",
            "parent_id": None,
            "role": "user",
            "content": "Why is the sky blue?",
            "created_at": "2026-01-01T00:00:00Z",
        },
        {
            "id": "b",
            "parent_id": "a",
            "role": "assistant",
            "content": "Because air scatters blue light.",
            "created_at": "2026-01-01T00:00:03Z",
        },
    ],
}
FILE = {"schema": {"type": "string"}}
ONE_FILE: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "A file.",
        "content": {
            "application/json": {"schema": {"type": "object"}, "example": EXAMPLE},
            "text/markdown": FILE,
        },
    }
}
ALL_FILE: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "JSON Lines: each line is what the export of one conversation gives.",
        "content": {JSON_LINES: FILE},
    }
}
BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "description": "What an export gave, or ChatGPT's `conversations.json`; at most 64 MiB.",
        "content": {
            "application/json": {"schema": {}, "example": EXAMPLE},
            JSON_LINES: FILE,
        },
    }
}
