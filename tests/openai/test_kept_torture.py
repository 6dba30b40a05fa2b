"""Odd texts wherever a kept item may have one: refused, or kept as they are and read everywhere."""

import json
from typing import Any

import pytest

from tests.openai.kept import get
from tests.openai.test_torture import post
from tests.support import Server
from tests.torture.cases import BAD_SCHEMAS, NOT_TEXT, ODD_TEXTS

# Where a text stands in a request; what no text is goes there as it is.
PLACES = {
    "input": '{"input": %s}',
    "instructions": '{"input": "x", "instructions": %s}',
    "part": '{"input": [{"role": "user", "content": [{"type": "input_text", "text": %s}]}]}',
    "arguments": '{"input": [{"type": "function_call", "call_id": "c", "name": "f", '
    '"arguments": %s}]}',
    "output": '{"input": [{"type": "function_call_output", "call_id": "c", "output": %s}]}',
    "url": '{"input": [{"role": "user", "content": [{"type": "input_image", "image_url": %s}]}]}',
    "label": '{"input": "x", "metadata": {"a": %s}}',
    "key": '{"input": "x", "prompt_cache_key": %s}',
}


def items(text: str) -> list[dict[str, Any]]:
    """A text wherever one may stand."""
    call = {"type": "function_call", "call_id": text[:100] or "c", "name": "f", "arguments": text}
    return [
        {"role": "developer", "content": text},
        {"role": "user", "content": [{"type": "input_text", "text": text}]},
        {"type": "reasoning", "summary": [{"type": "summary_text", "text": text}]},
        {"role": "assistant", "content": text},
        call,
        {"type": "function_call_output", "call_id": call["call_id"], "output": text},
        {"role": "user", "content": f"x{text}"},
    ]


@pytest.mark.parametrize("place", PLACES)
def test_what_is_no_text_is_refused(scripted: Server, place: str) -> None:
    for name, raw in NOT_TEXT.items():
        assert post(scripted, "/v1/responses", (PLACES[place] % raw).encode()) == 400, name


def test_odd_texts_are_kept_as_they_are(scripted: Server) -> None:
    for name, text in ODD_TEXTS.items():
        body = {"input": items(text), "instructions": text, "max_output_tokens": 4}
        answer = scripted.http.post("/v1/responses", json=body)
        # Some of them are as long as a text may be, and one letter more is too long.
        assert answer.status_code in (200, 400, 413, 422), (name, answer.text[:300])
        if answer.status_code == 200:
            check(scripted, answer.json(), text, name)


def check(server: Server, answer: dict[str, Any], text: str, name: str) -> None:
    """Read again, and exported, it is the same."""
    id_ = answer["conversation"]["id"]
    assert get(server.http, f"responses/{answer['id']}") == answer, name
    page = get(server.http, f"conversations/{id_}/items", order="asc")["data"]
    assert [item.get("arguments") for item in page if "arguments" in item] == [text], name
    assert [item["output"] for item in page if "output" in item] == [text], name
    exported = server.http.get(f"/api/v4/conversations/{id_}/export").content
    brought = server.http.post(
        "/api/v4/conversations/import",
        content=exported,
        headers={"Content-Type": "application/json"},
    ).json()
    assert brought["skipped"] == [], name
    [copy] = brought["conversations"]
    again = get(server.http, f"conversations/{copy}/items", order="asc")["data"]
    fields = ("role", "content", "arguments", "output", "call_id")
    assert [[item.get(f) for f in fields] for item in again] == [
        [item.get(f) for f in fields] for item in page
    ], name


def test_schemas_that_no_engine_must_see_are_refused(scripted: Server) -> None:
    for name, schema in BAD_SCHEMAS.items():
        form = {"type": "json_schema", "name": "n", "schema": schema}
        tool = {"type": "function", "name": "f", "parameters": schema}
        for more in ({"text": {"format": form}}, {"tools": [tool], "tool_choice": "required"}):
            body = json.dumps({"input": "x", **more}).encode()
            assert post(scripted, "/v1/responses", body) == 400, name
