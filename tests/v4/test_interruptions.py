"""Answers that are cut: by the client, by a deadline, by the death of the engine or the server."""

import asyncio
import contextlib
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support import Server, running, sse
from tests.v4.support import branch, read, say, say_streamed

SLOW = "#words=400 #pace=20"


def leave_after(server: Server, tokens: int, body: dict[str, Any]) -> tuple[str, str]:
    """Start a stream and go away after some tokens; the conversation and what was read."""
    text = ""
    with server.http.stream("POST", "/api/v4/chat/stream", json=body) as response:
        for name, data in sse(response.iter_lines()):
            if name == "start":
                id_ = data["conversation_id"]
            elif name == "token":
                text += data["text"]
                tokens -= 1
                if not tokens:
                    break
    return id_, text


def ended(server: Server, id_: str) -> list[tuple[str, str, str]]:
    """The branch, once nobody writes to it."""
    server.wait_until(lambda: all(m[2] != "pending" for m in branch(server, id_)))
    return branch(server, id_)


def test_what_was_generated_is_kept(scripted: Server) -> None:
    id_, text = leave_after(scripted, 5, {"message": SLOW, "max_tokens": 1000})
    question, answer = ended(scripted, id_)
    assert question == ("user", SLOW, "complete")
    assert answer[2] == "interrupted"
    assert answer[1].startswith(text)
    shown = say(scripted, "#show=1", conversation_id=id_)["response"]
    assert f"[assistant: {answer[1]}]" in shown


def test_a_plain_request_that_is_dropped_is_kept_too(scripted: Server) -> None:
    id_ = say(scripted, "one")["conversation_id"]
    body = {"message": SLOW, "conversation_id": id_, "max_tokens": 1000}
    with contextlib.suppress(httpx.ReadTimeout):
        httpx.post(scripted.url + "/api/v4/chat", json=body, timeout=1)
    assert [status for _, _, status in ended(scripted, id_)][2:] == ["complete", "interrupted"]


def test_a_deadline_keeps_what_there_is(tmp_path: Path) -> None:
    settings = {"SLLM_MODEL_PATH": "scripted", "REQUEST_DEADLINE_SECONDS": "1"}
    with running(tmp_path, settings) as server:
        stream = say_streamed(server, SLOW, max_tokens=1000)
        assert stream[-1][1]["error"]["code"] == "deadline_exceeded"
        text = "".join(data["text"] for name, data in stream if name == "token")
        id_ = stream[0][1]["conversation_id"]
        assert branch(server, id_)[1] == ("assistant", text, "interrupted")
        refused = say(server, SLOW, conversation_id=id_, max_tokens=1000, expect=504)
        assert refused["error"]["code"] == "deadline_exceeded"
        assert branch(server, id_)[3][2] == "interrupted"


def test_the_engines_death_keeps_what_there_is(tmp_path: Path) -> None:
    with running(tmp_path, {"SLLM_MODEL_PATH": "scripted"}) as server:
        stream = say_streamed(server, "#words=9 #crash=3")
        assert stream[-1][1]["error"]["code"] == "engine_died"
        id_ = stream[0][1]["conversation_id"]
        assert branch(server, id_)[1][2] == "interrupted"
        server.wait_for("ok")
        assert say(server, "go on", conversation_id=id_)["response"] == "You said: go on"


def test_a_killed_server_finds_the_answer_interrupted(tmp_path: Path) -> None:
    settings = {"SLLM_MODEL_PATH": "scripted", "DATA_DIR": str(tmp_path / "data")}
    with running(tmp_path, settings) as server:
        done = say(server, "whole")
        with server.http.stream(
            "POST", "/api/v4/chat/stream", json={"message": SLOW, "max_tokens": 1000}
        ) as response:
            events = sse(response.iter_lines())
            id_ = next(data for name, data in events if name == "start")["conversation_id"]
            seen = [next(data for name, data in events if name == "token") for _ in range(100)]
            server.process.kill()
        assert len(seen) == 100
    with running(tmp_path, settings) as server:
        question, answer = branch(server, id_)
        assert (question[1], answer[2]) == (SLOW, "interrupted")
        # Saved once a second, 50 tokens: the last second may be missing.
        assert answer[1].startswith(" word0 word1 word2")
        assert branch(server, done["conversation_id"])[1] == (
            "assistant",
            "You said: whole",
            "complete",
        )


def test_leavers_leave_no_answer_unfinished(scripted: Server) -> None:
    """However early they go: nobody must find their conversation busy."""

    async def leave(client: httpx.AsyncClient, number: int) -> None:
        route = "/api/v4/chat" if number % 3 == 0 else "/api/v4/chat/stream"
        body = {"message": f"leaver {SLOW}", "max_tokens": 1000}
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout((number * 37 % 100) / 400 + 0.001):
                await client.post(route, json=body, timeout=60)

    async def everybody() -> None:
        gate = asyncio.Semaphore(8)
        async with httpx.AsyncClient(base_url=scripted.url) as client:

            async def one(number: int) -> None:
                async with gate:
                    await leave(client, number)

            await asyncio.gather(*(one(number) for number in range(100)))

    asyncio.run(everybody())
    scripted.wait_idle()
    query: dict[str, str | int] = {"q": "leaver", "page_size": 100}
    found = scripted.http.get("/api/v4/conversations", params=query).json()["items"]
    assert found
    for conversation in found:
        messages = ended(scripted, conversation["id"])
        assert [message[2] for message in messages] == ["complete", "interrupted"]


def test_a_conversation_deleted_under_its_answer(scripted: Server) -> None:
    with scripted.http.stream(
        "POST", "/api/v4/chat/stream", json={"message": "#words=20 #pace=20"}
    ) as response:
        events = sse(response.iter_lines())
        id_ = next(events)[1]["conversation_id"]
        gone = httpx.delete(f"{scripted.url}/api/v4/conversations/{id_}", timeout=60)
        assert gone.status_code == 204
        last = list(events)[-1]
    assert (last[0], last[1]["error"]["code"]) == ("error", "not_found")


@pytest.mark.parametrize("route", ["/api/v4/chat", "/api/v4/chat/stream"])
def test_a_draining_server_takes_no_message(tmp_path: Path, route: str) -> None:
    with (
        running(tmp_path, {"SLLM_MODEL_PATH": "scripted"}) as server,
        server.http.stream(
            "POST", "/api/v4/chat/stream", json={"message": "#words=60 #pace=20"}
        ) as response,
    ):
        events = sse(response.iter_lines())
        id_ = next(events)[1]["conversation_id"]
        server.process.terminate()
        server.wait_until(lambda: server.fresh_get("/health/ready").status_code == 503)
        body = {"message": "late", "conversation_id": id_}
        late = httpx.post(server.url + route, json=body, timeout=60)
        assert (late.status_code, late.json()["error"]["code"]) == (503, "shutting_down")
        assert list(events)[-1][0] == "done"


def test_reading_goes_on_beside_an_answer(scripted: Server) -> None:
    with scripted.http.stream(
        "POST", "/api/v4/chat/stream", json={"message": "#words=30 #pace=20"}
    ) as response:
        events = sse(response.iter_lines())
        id_ = next(events)[1]["conversation_id"]
        with httpx.Client(base_url=scripted.url, timeout=60) as other:
            shown = other.get(f"/api/v4/conversations/{id_}").json()["messages"]
            assert [m["role"] for m in shown] == ["user", "assistant"]
            assert shown[1]["status"] == "pending"
            busy = other.post("/api/v4/chat", json={"message": "x", "conversation_id": id_})
            assert (busy.status_code, busy.json()["error"]["code"]) == (409, "conflict")
        list(events)
    assert read(scripted, id_)["messages"][1]["status"] == "complete"
