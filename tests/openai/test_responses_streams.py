"""`POST /v1/responses` with `stream: true`: the events, and what is left of those that are cut."""

from pathlib import Path

from tests.openai.kept import CALL, WEATHER, get, kinds, respond, streamed, text_of
from tests.support import Server, running, sse
from tests.v4.support import branch

MESSAGE = [
    "output_item.added",
    "content_part.added",
    "output_text.delta",
    "output_text.done",
    "content_part.done",
    "output_item.done",
]
BEGIN = ["created", "in_progress"]


def test_the_events_of_a_message(scripted: Server) -> None:
    events = streamed(scripted.http, "Hello there")
    assert kinds(events) == [*BEGIN, *MESSAGE, "completed"]
    begun, whole = events[0]["response"], events[-1]["response"]
    assert (begun["status"], begun["output"], begun["usage"]) == ("in_progress", [], None)
    assert begun["id"] == whole["id"]
    assert text_of(whole) == "".join(event.get("delta", "") for event in events)
    assert get(scripted.http, f"responses/{whole['id']}") == whole
    item = whole["output"][0]
    placed = [event for event in events if "item_id" in event]
    assert {event["item_id"] for event in placed} == {item["id"]}
    assert {event["output_index"] for event in placed} == {0}
    done = next(event for event in events if event["type"] == "response.output_item.done")
    assert done["item"] == item


def test_what_is_thought_comes_first(scripted: Server) -> None:
    events = streamed(scripted.http, "#answer=<think>Hm, well.</think>Yes, it is.")
    thinking = [name.replace("output_text", "reasoning_text") for name in MESSAGE]
    assert kinds(events) == [*BEGIN, *thinking, *MESSAGE, "completed"]
    whole = events[-1]["response"]
    assert [item["type"] for item in whole["output"]] == ["reasoning", "message"]
    assert whole["output"][0]["content"] == [{"type": "reasoning_text", "text": "Hm, well."}]
    assert text_of(whole) == "Yes, it is."
    details = whole["usage"]["output_tokens_details"]
    assert 0 < details["reasoning_tokens"] < whole["usage"]["output_tokens"]
    assert get(scripted.http, f"responses/{whole['id']}") == whole
    assert branch(scripted, whole["conversation"]["id"])[1][1] == "Yes, it is."


def test_a_call_is_told_of_as_it_is_written(scripted: Server) -> None:
    events = streamed(scripted.http, CALL, tools=[WEATHER])
    assert kinds(events) == [
        *BEGIN,
        "output_item.added",
        "function_call_arguments.delta",
        "function_call_arguments.done",
        "output_item.done",
        "completed",
    ]
    whole = events[-1]["response"]
    [call] = whole["output"]
    assert call["arguments"] == "".join(event.get("delta", "") for event in events)
    added = next(event for event in events if event["type"] == "response.output_item.added")
    assert added["item"] == call | {"arguments": "", "status": "in_progress"}
    assert get(scripted.http, f"responses/{whole['id']}") == whole


def test_words_and_calls_in_one_answer(scripted: Server) -> None:
    calls = CALL.removeprefix("#answer=")
    events = streamed(scripted.http, f"#answer=Let me see. {calls}\n{calls}", tools=[WEATHER])
    whole = events[-1]["response"]
    assert [item["type"] for item in whole["output"]] == ["message", *["function_call"] * 2]
    assert len({item["call_id"] for item in whole["output"][1:]}) == 2
    found = get(scripted.http, f"responses/{whole['id']}")
    assert [item["id"] for item in found["output"]] == [item["id"] for item in whole["output"]]


def test_an_empty_answer_is_a_message(scripted: Server) -> None:
    events = streamed(scripted.http, "#words=0")
    assert kinds(events) == [*BEGIN, *[m for m in MESSAGE if m != "output_text.delta"], "completed"]
    assert text_of(events[-1]["response"]) == ""


def test_an_answer_that_is_cut_short_ends_incomplete(scripted: Server) -> None:
    events = streamed(scripted.http, "one two three", max_output_tokens=2)
    assert kinds(events)[-1] == "incomplete"
    whole = events[-1]["response"]
    assert whole["incomplete_details"] == {"reason": "max_output_tokens"}
    assert [item["status"] for item in whole["output"]] == ["incomplete"]
    assert get(scripted.http, f"responses/{whole['id']}") == whole


def test_without_store_the_same_events(scripted: Server) -> None:
    events = streamed(scripted.http, "Hello there", store=False)
    assert kinds(events) == [*BEGIN, *MESSAGE, "completed"]
    get(scripted.http, f"responses/{events[0]['response']['id']}", expect=404)


def test_what_goes_wrong_is_told_and_kept(scripted: Server) -> None:
    events = streamed(scripted.http, "#refuse")
    assert kinds(events) == [*BEGIN, "failed"]
    failed = events[-1]["response"]
    assert (failed["status"], failed["error"]["code"]) == ("failed", "invalid_prompt")
    found = get(scripted.http, f"responses/{failed['id']}")
    assert (found["status"], found["error"]) == ("failed", failed["error"])


def test_what_is_wrong_before_is_a_plain_error(scripted: Server) -> None:
    error = respond(scripted.http, "hi", stream=True, model="other", expect=404)["error"]
    assert (error["code"], error["param"]) == ("not_found", "model")


def test_a_client_that_leaves_has_an_interrupted_answer(scripted: Server) -> None:
    body = {"input": "#words=200 #pace=20", "stream": True}
    with scripted.http.stream("POST", "/v1/responses", json=body) as answer:
        events = sse(answer.iter_lines())
        id_ = next(events)[1]["response"]["id"]
        deltas = (data["delta"] for _, data in events if "delta" in data)
        seen = next(deltas) + next(deltas)
    scripted.wait_idle()
    path = f"responses/{id_}"
    scripted.wait_until(lambda: get(scripted.http, path)["status"] != "in_progress")
    found = get(scripted.http, path)
    assert found["status"] == "incomplete"
    assert found["incomplete_details"] == {"reason": "interrupted"}
    assert text_of(found).startswith(seen)
    then = respond(scripted.http, "and then?", previous_response_id=id_)
    assert then["status"] == "completed"


def test_the_question_is_kept_before_the_first_event(scripted: Server) -> None:
    body = {"input": "#words=50 #pace=20", "stream": True}
    with scripted.http.stream("POST", "/v1/responses", json=body) as answer:
        events = sse(answer.iter_lines())
        begun = next(events)[1]["response"]
        found = scripted.fresh_get(f"/v1/responses/{begun['id']}").json()
        assert (found["status"], found["output"]) == ("in_progress", [])
        busy = {"input": "too soon", "previous_response_id": begun["id"]}
        refused = scripted.http.post("/v1/responses", json=busy)
        assert (refused.status_code, refused.json()["error"]["code"]) == (409, "conflict")
        assert refused.headers["Retry-After"] == "1"
    scripted.wait_idle()


def test_an_engine_that_dies_leaves_what_was_written(tmp_path: Path) -> None:
    settings = {"SLLM_MODEL_PATH": "scripted"}
    with running(tmp_path, settings) as server:
        events = streamed(server.http, "#crash=3 #words=9 #pace=20")
        failed = events[-1]["response"]
        assert (kinds(events)[-1], failed["error"]["code"]) == ("failed", "server_error")
        assert text_of(failed).startswith(" word0")
        found = get(server.http, f"responses/{failed['id']}")
        assert (found["status"], found["error"]) == ("failed", failed["error"])
        assert text_of(found) == text_of(failed)
        server.wait_for("ok")
