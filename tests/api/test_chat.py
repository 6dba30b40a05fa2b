"""v1 and v2 through HTTP, on the scripted engine."""

import re
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.support import Server, events

FIELDS = {
    "id", "created_at", "model", "response", "finish_reason", "usage", "timings", "context",
    "warnings",
}  # fmt: skip


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_an_answer_has_the_contract_s_fields(scripted: Server, version: str) -> None:
    answer = scripted.http.post(f"/api/{version}/chat", json={"message": "Hello there"})
    body = answer.json()
    assert answer.status_code == 200
    assert set(body) == FIELDS
    assert body["response"] == "You said: Hello there"
    assert re.fullmatch(r"chat_[0-9a-f]{32}", body["id"])
    assert body["created_at"].endswith("Z")
    assert body["usage"]["total_tokens"] == (
        body["usage"]["prompt_tokens"] + body["usage"]["completion_tokens"]
    )
    assert body["context"]["prompt_tokens"] == body["usage"]["prompt_tokens"]


def test_both_forms_of_a_conversation_mean_the_same(scripted: Server) -> None:
    turns = [{"role": "user", "content": "one"}, {"role": "assistant", "content": "two"}]
    habit = [{"role": "system", "content": "sys"}, *turns, {"role": "user", "content": "three"}]
    ours = scripted.chat("three", history=turns, system_prompt="sys").json()
    theirs = scripted.http.post("/api/v1/chat", json={"messages": habit}).json()
    assert ours["usage"]["prompt_tokens"] == theirs["usage"]["prompt_tokens"]
    assert ours["response"] == theirs["response"]


def test_max_tokens_ends_with_length(scripted: Server) -> None:
    body = scripted.chat("#words=50", max_tokens=5).json()
    assert (body["finish_reason"], body["usage"]["completion_tokens"]) == ("length", 5)


def test_stop_strings_end_the_answer_and_are_not_in_it(scripted: Server) -> None:
    body = scripted.chat("#words=50", stop=["word3"]).json()
    assert (body["finish_reason"], body["response"]) == ("stop", " word0 word1 word2 ")


def test_an_unknown_model_is_told_which_there_are(scripted: Server) -> None:
    answer = scripted.chat("Hi", model="gpt-4")
    assert answer.status_code == 404
    assert answer.json()["error"]["details"] == {"available": ["scripted"]}
    assert scripted.chat("Hi", model="scripted").status_code == 200


def test_a_history_that_is_too_long_is_cut_and_reported(scripted: Server) -> None:
    history = [
        {"role": role, "content": "word " * 500}
        for _ in range(10)
        for role in ("user", "assistant")
    ]
    body = scripted.chat("newest", history=history).json()
    context = body["context"]
    assert context["dropped_messages"] % 2 == 0
    assert context["dropped_messages"] > 0
    assert context["prompt_tokens"] <= context["window"] - min(512, context["window"] // 4)
    refused = scripted.chat("newest", history=history, context_policy="error")
    assert refused.json()["error"]["code"] == "context_length_exceeded"


def test_a_message_that_is_too_long_is_refused_with_both_numbers(scripted: Server) -> None:
    answer = scripted.chat("word " * 5000)
    error = answer.json()["error"]
    assert answer.status_code == 400
    assert (error["code"], error["param"]) == ("context_length_exceeded", "message")
    assert error["details"] == {"prompt_tokens": 5003, "window": 4096}


def test_the_second_turn_says_what_was_cached(scripted: Server) -> None:
    first = scripted.chat("word " * 100).json()
    history = [
        {"role": "user", "content": "word " * 100},
        {"role": "assistant", "content": first["response"]},
    ]
    second = scripted.chat("and now?", history=history).json()
    assert second["usage"]["cached_tokens"] >= 100


def test_a_language_that_the_weights_do_not_claim_is_told(scripted: Server) -> None:
    korean = {"Accept-Language": "ko"}
    body = scripted.http.post(
        "/api/v1/chat", json={"message": "안녕하세요, 반갑습니다"}, headers=korean
    ).json()
    assert "./run.sh --model qwen2.5-coder-0.5b-instruct" in body["warnings"][0]
    assert "한국어" in body["warnings"][0]
    assert scripted.chat("Good morning").json()["warnings"] == []


def test_a_stream_starts_and_ends_as_promised(scripted: Server) -> None:
    stream = events(scripted, "Hello there", max_tokens=3)
    names = [name for name, _ in stream]
    assert names == ["start", "token", "token", "token", "done"]
    start, done = stream[0][1], stream[-1][1]
    assert set(start) == {"id", "created_at", "model", "context"}
    assert set(done) == FIELDS
    assert start["id"] == done["id"]
    assert done["response"] == "".join(data["text"] for name, data in stream if name == "token")


def test_awkward_text_survives_the_stream(scripted: Server) -> None:
    text = "a\u2028b\r\nc\n\ndata: x\n\n안녕 👨‍👩‍👧 event: done"
    stream = events(scripted, text)
    told = "".join(data["text"] for name, data in stream if name == "token")
    assert told == "You said: " + text
    assert stream[-1][1]["response"] == told


def test_a_stream_is_not_cached_or_buffered_on_the_way(scripted: Server) -> None:
    with scripted.http.stream("POST", "/api/v2/chat/stream", json={"message": "x"}) as response:
        headers = response.headers
        response.read()
    assert headers["content-type"] == "text/event-stream; charset=utf-8"
    assert headers["cache-control"] == "no-cache, no-transform"
    assert headers["x-accel-buffering"] == "no"
    assert "content-length" not in headers


def test_what_is_wrong_before_the_first_event_is_a_plain_error(scripted: Server) -> None:
    answer = scripted.http.post("/api/v2/chat/stream", json={"message": "word " * 5000})
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/json"


def test_an_error_after_the_start_is_an_event(scripted: Server) -> None:
    stream = events(scripted, "#refuse")
    assert [name for name, _ in stream] == ["start", "error"]
    assert stream[-1][1]["error"]["code"] == "invalid_parameter"


def test_a_slow_prefill_is_told(scripted: Server) -> None:
    stream = events(scripted, "#prefill=300 " + "word " * 400)
    progress = [data for name, data in stream if name == "prefill"]
    assert progress
    assert progress[-1]["processed"] == progress[-1]["total"]


def test_a_burst_starts_no_threads(scripted: Server) -> None:
    """FastAPI runs plain functions, dependencies too, in threads: ours are coroutines."""
    scripted.chat("first")
    before = scripted.root().num_threads()
    with ThreadPoolExecutor(12) as pool:
        list(pool.map(lambda _: scripted.chat("#words=2"), range(36)))
    assert scripted.root().num_threads() <= before
