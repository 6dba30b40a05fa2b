"""Chats in conversations: what is stored, what the model is shown, what the client is told."""

import asyncio

import httpx
import pytest

from tests.support import Server
from tests.v4.support import again, branch, read, say, say_streamed

SHOW = "#show=1"


def test_a_conversation_goes_on(scripted: Server) -> None:
    first = say(scripted, "one")
    second = say(scripted, SHOW, conversation_id=first["conversation_id"])
    assert second["conversation_id"] == first["conversation_id"]
    assert second["response"] == f"[user: one][assistant: You said: one][user: {SHOW}]"
    assert branch(scripted, first["conversation_id"]) == [
        ("user", "one", "complete"),
        ("assistant", "You said: one", "complete"),
        ("user", SHOW, "complete"),
        ("assistant", second["response"], "complete"),
    ]
    kept = read(scripted, first["conversation_id"])["messages"]
    assert [m["id"] for m in kept[1::2]] == [first["message_id"], second["message_id"]]
    assert [m["id"] for m in kept[0::2]] == [first["parent_id"], second["parent_id"]]
    assert kept[1]["usage"] == first["usage"]
    assert kept[1]["timings"] == first["timings"]
    assert kept[1]["finish_reason"] == first["finish_reason"] == "stop"


def test_a_stream_tells_where_it_is_kept(scripted: Server) -> None:
    stream = say_streamed(scripted, "안녕하세요 여러분")
    (name, start), *_, (end, done) = stream
    assert (name, end) == ("start", "done")
    for field in ("id", "created_at", "model", "conversation_id", "message_id", "parent_id"):
        assert start[field] == done[field]
    assert "".join(data["text"] for name, data in stream if name == "token") == done["response"]
    assert branch(scripted, done["conversation_id"])[1][1] == "You said: 안녕하세요 여러분"
    more = say(scripted, SHOW, conversation_id=done["conversation_id"])
    assert more["response"].startswith("[user: 안녕하세요 여러분][assistant: You said: 안녕")


def test_a_system_prompt_stays_until_another_comes(scripted: Server) -> None:
    first = say(scripted, SHOW, system_prompt="be kind")
    id_ = first["conversation_id"]
    assert first["response"] == f"[system: be kind][user: {SHOW}]"
    assert say(scripted, SHOW, conversation_id=id_)["response"].startswith("[system: be kind]")
    other = say(scripted, SHOW, conversation_id=id_, system_prompt="be brief")
    assert other["response"].startswith("[system: be brief]")
    assert say(scripted, SHOW, conversation_id=id_)["response"].startswith("[system: be brief]")
    none = say(scripted, SHOW, conversation_id=id_, system_prompt="")
    assert "system" not in none["response"].partition("[user")[0]


def test_a_template_stays_with_its_options(scripted: Server) -> None:
    values = {"dialect": "SQLite", "schema": "users(id)"}
    first = say(scripted, SHOW, template="sql_assistant", variables=values)
    assert "users(id)" in first["response"]
    id_ = first["conversation_id"]
    assert read(scripted, id_)["template"] == "sql_assistant"
    second = say(scripted, SHOW, conversation_id=id_)
    head = first["response"].removesuffix(f"[user: {SHOW}]")
    assert second["response"].startswith(head)


def test_branches(scripted: Server) -> None:
    first = say(scripted, "one")
    id_ = first["conversation_id"]
    second = say(scripted, "two", conversation_id=id_)
    other = say(scripted, SHOW, conversation_id=id_, parent_id=first["message_id"])
    assert "two" not in other["response"]
    assert [content for _, content, _ in branch(scripted, id_)][2] == SHOW
    path = f"/api/v4/conversations/{id_}"
    moved = scripted.http.patch(path, json={"current_message_id": second["message_id"]})
    assert moved.status_code == 200
    third = say(scripted, SHOW, conversation_id=id_)
    assert "[user: two]" in third["response"]
    tree = read(scripted, id_, all_branches="true")["messages"]
    assert len(tree) == 8


def test_regenerating_keeps_the_first_answer(scripted: Server) -> None:
    first = say(scripted, "one")
    id_ = first["conversation_id"]
    for message in (first["message_id"], first["parent_id"]):
        answer = again(scripted, id_, message, max_tokens=1)
        assert answer.status_code == 200
        body = answer.json()
        assert (body["parent_id"], body["response"]) == (first["parent_id"], "You")
        assert branch(scripted, id_)[1][1] == "You"
    assert again(scripted, id_, first["message_id"]).json()["response"] == "You said: one"
    tree = read(scripted, id_, all_branches="true")["messages"]
    assert [m["content"] for m in tree] == ["one", "You said: one", "You", "You", "You said: one"]


def test_regenerating_in_a_stream(scripted: Server) -> None:
    first = say(scripted, "one")
    path = f"/api/v4/conversations/{first['conversation_id']}/messages/{first['message_id']}"
    answer = scripted.http.post(path + "/regenerate/stream")
    assert answer.text.count("event: done") == 1
    assert len(read(scripted, first["conversation_id"], all_branches="true")["messages"]) == 3


def test_an_edited_question_is_answered_by_regenerating(scripted: Server) -> None:
    first = say(scripted, "one")
    id_ = first["conversation_id"]
    path = f"/api/v4/conversations/{id_}/messages/{first['parent_id']}"
    edited = scripted.http.patch(path, json={"content": "eins"}).json()
    assert edited["parent_id"] is None
    assert again(scripted, id_, edited["id"]).json()["response"] == "You said: eins"
    assert [content for _, content, _ in branch(scripted, id_)] == ["eins", "You said: eins"]


@pytest.mark.parametrize("status", ["refused before", "unknown model"])
def test_what_is_refused_is_not_stored(scripted: Server, status: str) -> None:
    first = say(scripted, "one")
    id_ = first["conversation_id"]
    wrong = {"refused before": {"message": "x " * 9000}, "unknown model": {"model": "other"}}
    body = {"message": "two", "conversation_id": id_, **wrong[status]}
    answer = scripted.http.post("/api/v4/chat", json=body)
    assert answer.status_code in (400, 404)
    assert len(branch(scripted, id_)) == 2
    assert say(scripted, "three", conversation_id=id_)["response"] == "You said: three"


def test_a_conversation_has_a_title_at_once(scripted: Server) -> None:
    first = say(scripted, "# 서울 날씨\n\n오늘 어때?")
    id_ = first["conversation_id"]
    assert read(scripted, id_)["title"] == "서울 날씨"
    say(scripted, "more", conversation_id=id_)
    assert read(scripted, id_)["title"] == "서울 날씨"
    say(scripted, "more", conversation_id=id_, title=" My own ", metadata={"k": "v"})
    shown = read(scripted, id_)
    assert (shown["title"], shown["metadata"]) == ("My own", {"k": "v"})


def test_history_is_cut_and_says_so(scripted: Server) -> None:
    first = say(scripted, "word " * 2500)
    id_ = first["conversation_id"]
    second = say(scripted, "more " * 1500, conversation_id=id_)
    assert second["context"]["dropped_messages"] == 2
    assert second["context"]["dropped_tokens"] > 2500
    refused = say(scripted, "more " * 1500, conversation_id=id_, context_policy="error", expect=400)
    assert refused["error"]["code"] == "context_length_exceeded"


def test_two_writers_are_never_mixed(scripted: Server) -> None:
    id_ = say(scripted, "one")["conversation_id"]

    async def write(client: httpx.AsyncClient, number: int) -> int:
        body = {"message": f"#words=3 #pace=20 n{number}", "conversation_id": id_}
        while (answer := await client.post("/api/v4/chat", json=body)).status_code == 409:
            assert answer.json()["error"]["param"] == "conversation_id"
            assert int(answer.headers["retry-after"]) >= 1
            await asyncio.sleep(0.01)
        return answer.status_code

    async def all_at_once() -> list[int]:
        async with httpx.AsyncClient(base_url=scripted.url, timeout=60) as client:
            return await asyncio.gather(*(write(client, number) for number in range(6)))

    assert asyncio.run(all_at_once()) == [200] * 6
    messages = branch(scripted, id_)
    assert [role for role, _, _ in messages] == ["user", "assistant"] * 7
    assert {status for _, _, status in messages} == {"complete"}


@pytest.mark.parametrize(
    ("field", "body"),
    [
        ("history", {"message": "x", "history": []}),
        ("messages", {"messages": [{"role": "user", "content": "x"}]}),
        ("parent_id", {"message": "x", "parent_id": "msg_" + "0" * 32}),
        ("system_prompt", {"message": "x", "template": "default", "system_prompt": "y"}),
        ("variables", {"message": "x", "variables": {"a": 1}}),
        ("title", {"message": "x", "title": "  "}),
        ("metadata.k", {"message": "x", "metadata": {"k": 1}}),
        ("metadata", {"message": "x", "metadata": {str(n): "" for n in range(17)}}),
    ],
)
def test_a_wrong_body_is_named(scripted: Server, field: str, body: dict[str, object]) -> None:
    answer = scripted.http.post("/api/v4/chat", json=body)
    assert answer.status_code == 422, answer.text
    assert field in {e["field"] for e in answer.json()["error"]["details"]["errors"]}


@pytest.mark.parametrize("id_", ["conv_" + "0" * 32, "conv_x", "../x", "msg_" + "0" * 32])
def test_an_unknown_conversation_is_not_found(scripted: Server, id_: str) -> None:
    error = say(scripted, "x", conversation_id=id_, expect=404)["error"]
    assert error["code"] == "not_found"
