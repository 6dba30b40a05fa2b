"""The same Idempotency-Key twice is one message and one answer, whatever happened in between."""

import asyncio
from pathlib import Path
from typing import Any

import httpx

from tests.support import Server, running, sse
from tests.v4.support import branch, read, say, say_streamed

SLOW = "#words=100 #pace=20"


def key(name: str) -> dict[str, str]:
    return {"Idempotency-Key": name}


def test_the_same_key_is_the_same_answer(scripted: Server) -> None:
    first = say(scripted, "once", headers=key("same"))
    assert say(scripted, "once", headers=key("same")) == first
    stream = say_streamed(scripted, "once", headers=key("same"))
    assert [name for name, _ in stream] == ["start", "token", "done"]
    assert stream[-1][1] == first
    assert stream[0][1]["message_id"] == first["message_id"]
    assert len(branch(scripted, first["conversation_id"])) == 2


def test_a_key_with_another_body_is_a_conflict(scripted: Server) -> None:
    say(scripted, "once", headers=key("other body"), expect=422)
    say(scripted, "once", headers=key("other-body"))
    error = say(scripted, "twice", headers=key("other-body"), expect=409)["error"]
    assert (error["code"], error["param"]) == ("conflict", "Idempotency-Key")


def test_keys_survive_a_restart(tmp_path: Path) -> None:
    settings = {"SLLM_MODEL_PATH": "scripted"}
    with running(tmp_path, settings) as server:
        first = say(server, "once", headers=key("k"))
    with running(tmp_path, settings) as server:
        assert say(server, "once", headers=key("k")) == first


def test_a_request_that_repeats_while_it_is_answered_waits(scripted: Server) -> None:
    async def twice() -> list[Any]:
        async with httpx.AsyncClient(base_url=scripted.url, timeout=60) as client:
            body = {"message": "#words=20 #pace=20 together"}
            head = key("together")
            asked = [client.post("/api/v4/chat", json=body, headers=head) for _ in range(4)]
            return [answer.json() for answer in await asyncio.gather(*asked)]

    answers = asyncio.run(twice())
    assert all(answer == answers[0] for answer in answers)
    assert len(branch(scripted, answers[0]["conversation_id"])) == 2


def test_a_cut_answer_is_written_anew_under_its_key(scripted: Server) -> None:
    body = {"message": SLOW, "max_tokens": 1000}
    with scripted.http.stream(
        "POST", "/api/v4/chat/stream", json=body, headers=key("cut")
    ) as response:
        events = sse(response.iter_lines())
        start = next(events)[1]
        next(data for name, data in events if name == "token")
    done = say(scripted, SLOW, max_tokens=1000, headers=key("cut"))
    id_ = start["conversation_id"]
    assert (done["conversation_id"], done["parent_id"]) == (id_, start["parent_id"])
    assert done["message_id"] != start["message_id"]
    assert done["context"]["prompt_tokens"] == start["context"]["prompt_tokens"]
    assert say(scripted, SLOW, max_tokens=1000, headers=key("cut")) == done
    tree = read(scripted, id_, all_branches="true")["messages"]
    assert [m["status"] for m in tree] == ["complete", "interrupted", "complete"]


def test_keys_of_workers_are_one_set(tmp_path: Path) -> None:
    with running(tmp_path, {"SLLM_MODEL_PATH": "scripted"}, "--workers", "2") as server:

        async def many() -> list[Any]:
            async def one(number: int) -> Any:
                async with httpx.AsyncClient(base_url=server.url, timeout=60) as client:
                    body = {"message": f"#words=5 #pace=20 k{number % 3}"}
                    answer = await client.post(
                        "/api/v4/chat", json=body, headers=key(f"k{number % 3}")
                    )
                    assert answer.status_code == 200, answer.text
                    return answer.json()

            return await asyncio.gather(*(one(number) for number in range(12)))

        answers = asyncio.run(many())
        assert len({answer["message_id"] for answer in answers}) == 3
        total = server.http.get("/api/v4/conversations").json()["total"]
        assert total == 3
