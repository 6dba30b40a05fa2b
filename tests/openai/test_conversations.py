"""`/v1/conversations` and their items, which are v4's conversations."""

from typing import Any

import pytest

from tests.openai.kept import begin, fault, get, respond, told
from tests.support import Server
from tests.v4.support import branch, read, say

USER = {"role": "user", "content": "one"}
ANSWER = {"role": "assistant", "content": "1"}


def ids(server: Server, conversation: str, **query: Any) -> list[str]:
    page = get(server.http, f"conversations/{conversation}/items", **query)
    assert page["object"] == "list"
    return [item["id"] for item in page["data"]]


def test_an_empty_conversation(scripted: Server) -> None:
    made = scripted.http.post("/v1/conversations", json={"metadata": {"topic": "sky"}}).json()
    assert set(made) == {"id", "object", "created_at", "metadata"}
    assert (made["object"], made["metadata"]) == ("conversation", {"topic": "sky"})
    path = f"conversations/{made['id']}"
    assert get(scripted.http, path) == made
    page = get(scripted.http, f"{path}/items")
    assert page == {
        "object": "list", "data": [], "first_id": None, "last_id": None, "has_more": False,
    }  # fmt: skip
    shown = read(scripted, made["id"])
    assert (shown["title"], shown["metadata"], shown["messages"]) == ("", {"topic": "sky"}, [])


def test_v4_s_conversations_are_the_same(scripted: Server) -> None:
    made = say(scripted, "Hello", metadata={"a": "b"})
    id_ = made["conversation_id"]
    assert get(scripted.http, f"conversations/{id_}")["metadata"] == {"a": "b"}
    assert told(scripted.http, id_) == [("user", "Hello"), ("assistant", "You said: Hello")]
    assert ids(scripted, id_, order="asc") == [m["id"] for m in read(scripted, id_)["messages"]]


def test_it_begins_with_items(scripted: Server) -> None:
    id_ = begin(scripted.http, USER, ANSWER)
    assert branch(scripted, id_) == [("user", "one", "complete"), ("assistant", "1", "complete")]
    assert read(scripted, id_)["title"] == "one"
    more = say(scripted, "#show=1", conversation_id=id_)
    assert more["response"] == "[user: one][assistant: 1][user: #show=1]"


def test_labels_are_replaced(scripted: Server) -> None:
    id_ = begin(scripted.http, metadata={"a": "b"})
    changed = scripted.http.post(f"/v1/conversations/{id_}", json={"metadata": {"c": "d"}}).json()
    assert changed["metadata"] == {"c": "d"}
    found = scripted.http.get("/api/v4/conversations", params={"metadata.c": "d"}).json()["items"]
    assert id_ in [item["id"] for item in found]
    emptied = scripted.http.post(f"/v1/conversations/{id_}", json={"metadata": None}).json()
    assert emptied["metadata"] == {}


def test_a_deleted_conversation_is_gone(scripted: Server) -> None:
    answer = respond(scripted.http, "one")
    id_ = answer["conversation"]["id"]
    gone = scripted.http.delete(f"/v1/conversations/{id_}").json()
    assert gone == {"id": id_, "object": "conversation.deleted", "deleted": True}
    get(scripted.http, f"conversations/{id_}", expect=404)
    get(scripted.http, f"responses/{answer['id']}", expect=404)
    assert scripted.http.get(f"/api/v4/conversations/{id_}").status_code == 404


def test_items_are_added_at_the_end(scripted: Server) -> None:
    id_ = begin(scripted.http)
    path = f"/v1/conversations/{id_}/items"
    added = scripted.http.post(path, json={"items": [USER, ANSWER]}).json()
    assert [item["role"] for item in added["data"]] == ["user", "assistant"]
    assert (added["first_id"], added["last_id"]) == tuple(item["id"] for item in added["data"])
    assert read(scripted, id_)["title"] == "one"
    scripted.http.post(path, json={"items": [{"role": "user", "content": "two"}]})
    assert told(scripted.http, id_) == [("user", "one"), ("assistant", "1"), ("user", "two")]
    for item in get(scripted.http, f"conversations/{id_}/items")["data"]:
        assert get(scripted.http, f"conversations/{id_}/items/{item['id']}") == item


def test_items_come_in_pages(scripted: Server) -> None:
    id_ = begin(scripted.http, *({"role": "user", "content": str(n)} for n in range(5)))
    every = ids(scripted, id_, order="asc")
    assert ids(scripted, id_) == every[::-1]
    assert ids(scripted, id_, limit=2, after=every[3]) == [every[2], every[1]]
    assert ids(scripted, id_, order="asc", limit=2, after=every[3]) == [every[4]]
    assert ids(scripted, id_, after=every[0]) == []


def test_more_may_be_asked_for(scripted: Server) -> None:
    id_ = begin(scripted.http, USER)
    for name in ("include", "include[]"):
        query: dict[str, Any] = {name: "message.output_text.logprobs"}
        assert len(get(scripted.http, f"conversations/{id_}/items", **query)["data"]) == 1
        answer = scripted.http.get(f"/v1/conversations/{id_}/items", params={name: "all"})
        assert fault(answer)[:2] == (422, "invalid_request")


def test_one_item_is_deleted(scripted: Server) -> None:
    id_ = begin(scripted.http, USER, ANSWER, {"role": "user", "content": "two"})
    first, second, third = ids(scripted, id_, order="asc")
    for item, left in ((second, [first, third]), (third, [first]), (first, [])):
        path = f"/v1/conversations/{id_}/items/{item}"
        assert scripted.http.delete(path).json()["id"] == id_
        assert ids(scripted, id_, order="asc") == left
        assert fault(scripted.http.delete(path))[:2] == (404, "not_found")
    assert read(scripted, id_)["message_count"] == 0
    assert respond(scripted.http, "again", conversation=id_)["status"] == "completed"


def test_one_call_of_a_message_is_deleted(scripted: Server) -> None:
    call = {"type": "function_call", "name": "f", "arguments": "{}"}
    calls = [call | {"call_id": f"c{n}"} for n in range(2)]
    id_ = begin(scripted.http, USER, ANSWER, *calls)
    *_, said, first, second = ids(scripted, id_, order="asc")
    for item, left in ((first, 3), (said, 2), (second, 1)):
        assert scripted.http.delete(f"/v1/conversations/{id_}/items/{item}").status_code == 200
        assert len(ids(scripted, id_)) == left
        get(scripted.http, f"conversations/{id_}/items/{item}", expect=404)
    assert branch(scripted, id_) == [("user", "one", "complete")]


def test_an_item_of_another_conversation_is_none_of_this(scripted: Server) -> None:
    one, other = begin(scripted.http, USER), begin(scripted.http, USER)
    [item] = ids(scripted, one)
    get(scripted.http, f"conversations/{other}/items/{item}", expect=404)
    get(scripted.http, f"conversations/{one}/items/{item.replace('msg', 'fc')}_0", expect=404)
    get(scripted.http, f"conversations/{one}/items/{item.replace('msg', 'rs')}", expect=404)


@pytest.mark.parametrize(
    ("path", "body", "param"),
    [
        ("", {"items": "x"}, "items"),
        ("", {"items": [{"role": "user", "content": "x"}] * 21}, "items"),
        ("", {"metadata": {"a": None}}, "metadata.a"),
        ("", {"title": "x"}, "title"),
        ("/{id}", {}, "metadata"),
        ("/{id}/items", {}, "items"),
        ("/{id}/items", {"items": []}, "items"),
        ("/{id}/items", {"items": [{"type": "item_reference", "id": "msg_1"}]}, None),
    ],
)
def test_bodies_that_are_refused(
    scripted_server: Server, path: str, body: dict[str, Any], param: str | None
) -> None:
    id_ = begin(scripted_server.http)
    answer = scripted_server.http.post("/v1/conversations" + path.format(id=id_), json=body)
    assert fault(answer) == (422, "invalid_request", param)


@pytest.mark.parametrize(
    ("query", "param"),
    [({"limit": 101}, "limit"), ({"order": "up"}, "order"), ({"page": 1}, "page")],
)
def test_queries_that_are_refused(
    scripted_server: Server, query: dict[str, Any], param: str
) -> None:
    id_ = begin(scripted_server.http)
    answer = scripted_server.http.get(f"/v1/conversations/{id_}/items", params=query)
    assert fault(answer) == (422, "invalid_request", param)


def test_nothing_is_added_while_an_answer_is_written(scripted: Server) -> None:
    begun = respond(scripted.http, "#words=50 #pace=20", background=True)
    path = f"/v1/conversations/{begun['conversation']['id']}/items"
    refused = scripted.http.post(path, json={"items": [USER]})
    assert fault(refused)[:2] == (409, "conflict")
    message = begun["id"].replace("resp", "msg")
    assert fault(scripted.http.delete(f"{path}/{message}"))[:2] == (409, "conflict")
    scripted.http.post(f"/v1/responses/{begun['id']}/cancel")
