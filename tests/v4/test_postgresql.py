"""The same through PostgreSQL: the parts where the two databases could differ."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.database.postgresql import Postgresql
from tests.support import Server, running, sse
from tests.v4.support import again, branch, say, say_streamed


@pytest.fixture(scope="module")
def server(
    tmp_path_factory: pytest.TempPathFactory, postgresql_server: Postgresql
) -> Iterator[Server]:
    settings = {"SLLM_MODEL_PATH": "scripted", "DATABASE_URL": postgresql_server.fresh()}
    folder: Path = tmp_path_factory.mktemp("on-postgresql")
    with running(folder, settings, "--workers", "2") as started:
        assert started.health()["database"] == {"status": "ok", "kind": "postgresql"}
        yield started


def test_a_conversation(server: Server) -> None:
    first = say_streamed(server, "안녕하세요", system_prompt="be kind")[-1][1]
    id_ = first["conversation_id"]
    second = say(server, "#show=1", conversation_id=id_)
    assert second["response"].startswith("[system: be kind][user: 안녕하세요][assistant: You said")
    assert again(server, id_, second["message_id"], max_tokens=1).status_code == 200
    assert len(branch(server, id_)) == 4
    found = server.http.get("/api/v4/conversations", params={"q": "안녕"}).json()["items"]
    assert [item["id"] for item in found] == [id_]
    assert server.http.delete(f"/api/v4/conversations/{id_}").status_code == 204
    assert server.http.get("/api/v4/conversations", params={"q": "안녕"}).json()["total"] == 0


def test_a_key_is_one_message_in_every_worker(server: Server) -> None:
    async def many() -> set[str]:
        async def one(number: int) -> str:
            async with httpx.AsyncClient(base_url=server.url, timeout=60) as client:
                answer = await client.post(
                    "/api/v4/chat",
                    json={"message": f"#words=5 #pace=20 k{number % 2}"},
                    headers={"Idempotency-Key": f"pg{number % 2}"},
                )
            assert answer.status_code == 200, answer.text
            return str(answer.json()["message_id"])

        return set(await asyncio.gather(*(one(number) for number in range(8))))

    assert len(asyncio.run(many())) == 2


def test_two_writers_are_never_mixed(server: Server) -> None:
    id_ = say(server, "one")["conversation_id"]

    async def write(number: int) -> None:
        body = {"message": f"#words=3 #pace=20 n{number}", "conversation_id": id_}
        async with httpx.AsyncClient(base_url=server.url, timeout=60) as client:
            while True:
                answer = await client.post("/api/v4/chat", json=body)
                if answer.status_code != 409:
                    break
                await asyncio.sleep(0.01)
        assert answer.status_code == 200, answer.text

    async def everybody() -> None:
        await asyncio.gather(*(write(number) for number in range(6)))

    asyncio.run(everybody())
    messages = branch(server, id_)
    assert [role for role, _, _ in messages] == ["user", "assistant"] * 7
    assert {status for _, _, status in messages} == {"complete"}


def test_a_killed_worker_leaves_its_answer_interrupted(server: Server) -> None:
    workers = {worker.pid for worker in server.workers()}
    with server.http.stream(
        "POST", "/api/v4/chat/stream", json={"message": "#words=500 #pace=20", "max_tokens": 999}
    ) as response:
        events = sse(response.iter_lines())
        id_ = next(events)[1]["conversation_id"]
        for worker in server.workers():
            worker.kill()
    server.wait_until(lambda: len({w.pid for w in server.workers()} - workers) == 2)
    server.wait_for("ok")
    server.wait_until(lambda: branch(server, id_)[1][2] == "interrupted")
    say(server, "go on", conversation_id=id_, max_tokens=2)
    assert [status for _, _, status in branch(server, id_)][1:] == [
        "interrupted",
        "complete",
        "complete",
    ]
