"""Bodies that `POST /v1/responses` refuses, each with the field at fault."""

from typing import Any

import pytest

from tests.openai.kept import fault, respond
from tests.support import Server

HI = {"input": "hi"}
CALL = {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"}
RESPONSE = "resp_" + "0" * 32
BAD: list[tuple[dict[str, Any], int, str, str | None]] = [
    ({}, 422, "invalid_request", None),
    ({"input": ""}, 422, "invalid_request", "input"),
    ({"input": []}, 422, "invalid_request", None),
    ({"input": 1}, 422, "invalid_request", "input"),
    ({"input": [1]}, 422, "invalid_request", "input.0"),
    ({"input": [{"type": "web_search_call"}]}, 422, "invalid_request", "input.0"),
    ({"input": [{"role": "tool", "content": "x"}]}, 422, "invalid_request", "input.0.role"),
    ({"input": [{"role": "user"}]}, 422, "invalid_request", "input.0.content"),
    ({"input": [{"role": "user", "content": [{"type": "x"}]}]}, 422, "invalid_request",
     "input.0.content.0"),
    ({"input": [{"role": "user", "content": "x", "extra": 1}]}, 422, "invalid_request",
     "input.0.extra"),
    ({"input": [{"role": "user", "content": [{"type": "input_image"}]}]}, 422,
     "invalid_request", "input.0.content.0"),
    ({"input": [{"role": "user", "content": [{"type": "input_file", "file_id": "f"}]}]}, 400,
     "unsupported_by_engine", "input.content.input_file"),
    ({"input": [{"role": "assistant", "content": "x"}]}, 400, "invalid_parameter", "input"),
    ({"input": [CALL]}, 400, "invalid_parameter", "input"),
    ({"input": [{"role": "user", "content": []}]}, 400, "invalid_parameter", "input"),
    ({"input": [{"role": "user", "content": [{"type": "input_text", "text": "x" * 600_000}] * 2}]},
     413, "too_large", "input"),
    ({"input": [{"type": "item_reference", "id": "msg_x"}]}, 404, "not_found", "input"),
    ({"input": [CALL | {"name": "not a name"}]}, 422, "invalid_request", "input.0.name"),
    (HI | {"max_output_tokens": 0}, 422, "invalid_request", "max_output_tokens"),
    (HI | {"temperature": 3}, 422, "invalid_request", "temperature"),
    (HI | {"temperature": "1"}, 422, "invalid_request", "temperature"),
    (HI | {"top_p": -1}, 422, "invalid_request", "top_p"),
    (HI | {"top_logprobs": 21}, 422, "invalid_request", "top_logprobs"),
    (HI | {"include": ["everything"]}, 422, "invalid_request", "include.0"),
    (HI | {"truncation": "middle"}, 422, "invalid_request", "truncation"),
    (HI | {"metadata": {"a": 1}}, 422, "invalid_request", "metadata.a"),
    (HI | {"metadata": {str(n): "" for n in range(17)}}, 422, "invalid_request", "metadata"),
    (HI | {"unknown": 1}, 422, "invalid_request", "unknown"),
    (HI | {"model": "gpt-4o"}, 404, "not_found", "model"),
    (HI | {"text": {"format": {"type": "json_schema"}}}, 422, "invalid_request", "text.format"),
    (HI | {"text": {"format": {"type": "xml"}}}, 422, "invalid_request", "text.format.type"),
    (HI | {"text": {"format": {"type": "json_schema", "schema": {"type": "x"}}}}, 400,
     "invalid_parameter", "text.format"),
    (HI | {"text": {"verbosity": "high"}}, 400, "unsupported_by_engine", "text.verbosity"),
    (HI | {"prompt": {"id": "p"}}, 400, "unsupported_by_engine", "prompt"),
    (HI | {"tools": [{"type": "function"}]}, 422, "invalid_request", "tools.0.name"),
    (HI | {"tool_choice": "required"}, 400, "invalid_parameter", "tool_choice"),
    (HI | {"background": True, "stream": True}, 400, "invalid_parameter", "background"),
    (HI | {"background": True, "store": False}, 400, "invalid_parameter", "background"),
    (HI | {"previous_response_id": "resp_1"}, 404, "not_found", "previous_response_id"),
    (HI | {"previous_response_id": RESPONSE}, 404, "not_found", "previous_response_id"),
    (HI | {"conversation": "conv_1"}, 404, "not_found", "conversation"),
    (HI | {"conversation": {}}, 422, "invalid_request", "conversation.id"),
    (HI | {"conversation": "conv_1", "previous_response_id": RESPONSE}, 422,
     "invalid_request", None),
]  # fmt: skip


@pytest.mark.parametrize(("body", "status", "code", "param"), BAD, ids=lambda v: str(v)[:60])
def test_the_field_at_fault_is_named(
    scripted_server: Server, body: dict[str, Any], status: int, code: str, param: str | None
) -> None:
    before = scripted_server.http.get("/api/v4/conversations").json()["total"]
    assert fault(scripted_server.http.post("/v1/responses", json=body)) == (status, code, param)
    assert scripted_server.http.get("/api/v4/conversations").json()["total"] == before


def test_in_korean(scripted: Server) -> None:
    error = respond(scripted.http, "hi", model="x", headers={"Accept-Language": "ko"}, expect=404)[
        "error"
    ]
    assert error["type"] == "invalid_request_error"
    assert any("가" <= letter <= "힣" for letter in error["message"])


@pytest.mark.parametrize("id_", ["resp_1", RESPONSE])
def test_it_is_the_response_that_is_missing(scripted: Server, id_: str) -> None:
    answers = [
        scripted.http.get(f"/v1/responses/{id_}"),
        scripted.http.get(f"/v1/responses/{id_}/input_items"),
        scripted.http.delete(f"/v1/responses/{id_}"),
        scripted.http.post(f"/v1/responses/{id_}/cancel"),
        scripted.http.post("/v1/responses", json=HI | {"previous_response_id": id_}),
    ]
    words = {answer.json()["error"]["message"] for answer in answers}
    assert words == {"There is no such response."}


def test_ids_that_nobody_gave(scripted: Server) -> None:
    for path in (
        "/v1/responses/resp_1",
        f"/v1/responses/{RESPONSE}",
        "/v1/responses/conv_1",
        f"/v1/responses/{RESPONSE}/input_items",
        "/v1/conversations/conv_1",
        "/v1/conversations/conv_1/items",
    ):
        assert fault(scripted.http.get(path))[:2] == (404, "not_found")
    assert fault(scripted.http.delete(f"/v1/responses/{RESPONSE}"))[:2] == (404, "not_found")
    cancel = scripted.http.post(f"/v1/responses/{RESPONSE}/cancel")
    assert fault(cancel)[:2] == (404, "not_found")


def test_a_question_is_no_response(scripted: Server) -> None:
    answer = respond(scripted.http, "one")
    page = scripted.http.get(f"/v1/responses/{answer['id']}/input_items").json()
    question = page["data"][0]["id"].replace("msg_", "resp_")
    assert fault(scripted.http.get(f"/v1/responses/{question}"))[:2] == (404, "not_found")


def test_what_goes_together_is_said_in_words(scripted: Server) -> None:
    both = {"conversation": "conv_1", "previous_response_id": RESPONSE}
    error = scripted.http.post("/v1/responses", json=HI | both).json()["error"]
    assert "previous_response_id or conversation" in error["message"]
