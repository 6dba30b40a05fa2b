"""What becomes of responses: deleted, cancelled, asked for twice, written in the background."""

from pathlib import Path
from typing import Any

import httpx

from tests.openai.kept import CALL, WEATHER, begin, fault, get, respond, streamed, text_of, told
from tests.support import Server, running
from tests.v4.support import branch, read

SLOW = "#words=100 #pace=20"


def removed(server: Server, response: dict[str, Any]) -> None:
    answer = server.http.delete(f"/v1/responses/{response['id']}")
    assert answer.status_code == 200, answer.text
    assert answer.json() == {"id": response["id"], "object": "response", "deleted": True}
    get(server.http, f"responses/{response['id']}", expect=404)


def test_the_last_one_deleted_takes_its_conversation_along(scripted: Server) -> None:
    answer = respond(scripted.http, "one")
    removed(scripted, answer)
    get(scripted.http, f"conversations/{answer['conversation']['id']}", expect=404)


def test_one_deleted_in_between_leaves_the_others(scripted: Server) -> None:
    first = respond(scripted.http, "one")
    second = respond(scripted.http, "two", previous_response_id=first["id"])
    third = respond(scripted.http, "three", previous_response_id=second["id"])
    removed(scripted, second)
    id_ = first["conversation"]["id"]
    assert [content for _, content, _ in branch(scripted, id_)] == [
        "one", "You said: one", "three", "You said: three",
    ]  # fmt: skip
    assert read(scripted, id_)["message_count"] == 4
    assert text_of(respond(scripted.http, "#show=1", previous_response_id=third["id"])) == (
        "[user: one][assistant: You said: one][user: three][assistant: You said: three]"
        "[user: #show=1]"
    )
    found = scripted.http.get("/api/v4/conversations", params={"q": "two"}).json()["items"]
    assert id_ not in [item["id"] for item in found]


def test_a_question_that_another_answer_rests_on_stays(scripted: Server) -> None:
    id_ = begin(scripted.http, {"role": "user", "content": "one"})
    first = respond(scripted.http, conversation=id_)
    removed(scripted, first)
    assert told(scripted.http, id_) == [("user", "one")]
    get(scripted.http, f"conversations/{id_}")


def test_the_same_key_is_the_same_response(scripted: Server) -> None:
    keyed: dict[str, Any] = {"headers": {"Idempotency-Key": "respond-once"}, "tools": [WEATHER]}
    first = respond(scripted.http, CALL, **keyed)
    assert respond(scripted.http, CALL, **keyed) == first
    events = streamed(scripted.http, CALL, **keyed)
    assert events[-1]["response"] == first
    assert len(branch(scripted, first["conversation"]["id"])) == 2
    error = respond(scripted.http, "other", **keyed, expect=409)["error"]
    assert (error["code"], error["param"]) == ("conflict", "Idempotency-Key")


def test_a_key_needs_something_new_to_stand_for(scripted: Server) -> None:
    id_ = begin(scripted.http, {"role": "user", "content": "one"})
    headers = {"Idempotency-Key": "answer-once"}
    error = respond(scripted.http, conversation=id_, headers=headers, expect=400)["error"]
    assert (error["code"], error["param"]) == ("invalid_parameter", "Idempotency-Key")
    assert told(scripted.http, id_) == [("user", "one")]


def test_a_deleted_response_is_forgotten_by_its_key(scripted: Server) -> None:
    keyed: dict[str, Any] = {"headers": {"Idempotency-Key": "respond-anew"}}
    first = respond(scripted.http, "one", **keyed)
    removed(scripted, first)
    assert respond(scripted.http, "one", **keyed)["id"] != first["id"]


def test_in_the_background_it_is_written_to_its_end(scripted: Server) -> None:
    begun = respond(scripted.http, "#words=20 #pace=20", background=True)
    assert (begun["status"], begun["output"], begun["background"]) == ("in_progress", [], True)
    path = f"responses/{begun['id']}"
    scripted.wait_until(lambda: get(scripted.http, path)["status"] == "completed")
    assert text_of(get(scripted.http, path)).endswith("word19")


def test_a_response_in_the_background_can_be_cancelled(scripted: Server) -> None:
    begun = respond(scripted.http, SLOW, background=True)
    cancelled = scripted.http.post(f"/v1/responses/{begun['id']}/cancel").json()
    assert (cancelled["status"], cancelled["incomplete_details"]) == ("cancelled", None)
    scripted.wait_idle()
    again = scripted.http.post(f"/v1/responses/{begun['id']}/cancel").json()
    assert again == cancelled == get(scripted.http, f"responses/{begun['id']}")


def test_only_the_background_can_be_cancelled(scripted: Server) -> None:
    answer = respond(scripted.http, "one")
    refused = scripted.http.post(f"/v1/responses/{answer['id']}/cancel")
    assert fault(refused) == (400, "invalid_parameter", None)


def test_every_worker_cancels(tmp_path: Path) -> None:
    with running(tmp_path, {"SLLM_MODEL_PATH": "scripted"}, "--workers", "2") as server:
        for _ in range(3):
            begun = respond(server.http, SLOW, background=True)
            path = f"{server.url}/v1/responses/{begun['id']}/cancel"
            assert httpx.post(path, timeout=60).json()["status"] == "cancelled"


def test_a_server_that_ends_writes_to_the_end(tmp_path: Path) -> None:
    settings = {"SLLM_MODEL_PATH": "scripted"}
    with running(tmp_path, settings) as server:
        begun = respond(server.http, "#words=20 #pace=20", background=True)
    with running(tmp_path, settings) as server:
        assert text_of(get(server.http, f"responses/{begun['id']}")).endswith("word19")


def test_a_server_that_is_killed_keeps_what_is_written(tmp_path: Path) -> None:
    settings = {"SLLM_MODEL_PATH": "scripted"}
    with running(tmp_path, settings) as server:
        begun = respond(server.http, "#words=500 #pace=20", background=True)
        path = f"/api/v4/conversations/{begun['conversation']['id']}"
        server.wait_until(lambda: bool(server.http.get(path).json()["messages"][1]["content"]))
        server.process.kill()
        server.process.wait()
    with running(tmp_path, settings) as server:
        found = get(server.http, f"responses/{begun['id']}")
        assert (found["status"], text_of(found)[:6]) == ("incomplete", " word0")
