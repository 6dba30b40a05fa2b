"""`POST /v1/chat/completions` with `stream`: chunks exactly as OpenAI sends them."""

import json

import httpx

from tests.openai.chats import CALL, CHAT, WEATHER, body_of, data_of, deltas, refusal, streamed
from tests.support import Server


def test_the_role_comes_first_and_an_empty_delta_last(scripted: Server) -> None:
    chunks = streamed(scripted, "hi")
    assert {chunk["object"] for chunk in chunks} == {"chat.completion.chunk"}
    assert len({(chunk["id"], chunk["created"], chunk["model"]) for chunk in chunks}) == 1
    said = deltas(chunks)
    assert said[0] == {"role": "assistant", "content": "", "refusal": None}
    assert said[1:-1] == [{"content": "You"}, {"content": " said:"}, {"content": " hi"}]
    assert said[-1] == {}
    reasons = [chunk["choices"][0]["finish_reason"] for chunk in chunks]
    assert reasons == [None] * (len(chunks) - 1) + ["stop"]
    assert all("usage" not in chunk for chunk in chunks)


def test_the_usage_comes_last_without_choices(scripted: Server) -> None:
    *chunks, last = streamed(scripted, "hi", stream_options={"include_usage": True})
    assert last["choices"] == []
    assert last["usage"]["completion_tokens"] == 3
    assert all(chunk["usage"] is None for chunk in chunks)


def test_every_choice_begins_and_ends(scripted: Server) -> None:
    chunks = streamed(scripted, "hi", n=2)
    assert deltas(chunks, 0) == deltas(chunks, 1)
    assert deltas(chunks, 1)[0]["role"] == "assistant"


def test_log_probabilities_come_with_their_tokens(scripted: Server) -> None:
    choices = [chunk["choices"][0] for chunk in streamed(scripted, "hi", logprobs=True)]
    for choice in choices:
        tokens = (choice["logprobs"] or {"content": []})["content"]
        text = choice["delta"].get("content", "")
        assert "".join(token["token"] for token in tokens) == text


def test_thoughts_and_calls_are_told_as_they_come(scripted: Server) -> None:
    answer = f"#answer=<think>\nI should look. </think>{CALL}"
    _, *said, _ = deltas(streamed(scripted, answer, tools=[WEATHER]))
    assert "".join(each.get("reasoning_content", "") for each in said) == "I should look."
    calls = [call for each in said for call in each.get("tool_calls", ())]
    assert calls[0]["function"] == {"name": "get_weather", "arguments": ""}
    assert calls[0]["id"].startswith("call_")
    assert {call["index"] for call in calls} == {0}
    assert all("id" not in call for call in calls[1:])
    arguments = "".join(call["function"]["arguments"] for call in calls)
    assert json.loads(arguments) == {"city": "Seoul"}


def test_what_is_wrong_before_the_first_chunk_is_a_plain_error(scripted: Server) -> None:
    body = body_of("hi", stream=True) | {"model": "gpt-5"}
    assert refusal(scripted.http.post(CHAT, json=body)) == (404, "not_found", "model")


def test_an_error_after_the_start_ends_the_stream(scripted: Server) -> None:
    body = body_of("#refuse", stream=True)
    with scripted.http.stream("POST", CHAT, json=body) as answer:
        assert answer.status_code == 200
        data = data_of(answer.iter_lines())
    error = json.loads(data[-1])["error"]
    assert (error["code"], error["param"]) == ("invalid_parameter", "messages")
    assert set(error) == {"message", "type", "param", "code"}
    assert "[DONE]" not in data


def test_a_client_that_leaves_frees_its_slot(scripted: Server) -> None:
    body = body_of("#words=100000 #pace=20", max_tokens=2000)
    with scripted.http.stream("POST", CHAT, json={**body, "stream": True}) as answer:
        next(answer.iter_lines())
    scripted.wait_idle()
    with httpx.Client(base_url=scripted.url, timeout=1) as client:
        try:
            client.post(CHAT, json=body)
        except httpx.ReadTimeout:
            scripted.wait_idle()
