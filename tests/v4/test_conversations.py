"""Listing, searching, reading, changing and deleting conversations over HTTP."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support import Server, running
from tests.v4.support import again, branch, read, say
from tests.v4.transfers import PATH, brought, listed, plain


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    folder: Path = tmp_path_factory.mktemp("conversations")
    settings = {"SLLM_MODEL_PATH": "scripted", "PAGE_SIZE": "3"}
    if request.param == "postgresql":
        settings["DATABASE_URL"] = request.getfixturevalue("postgresql_server").fresh()
    with running(folder, settings) as started:
        yield started
    assert "Traceback" not in started.log


@pytest.fixture
def empty(server: Server) -> Server:
    """Without conversations."""
    assert server.http.delete(PATH, params={"confirm": "all"}).status_code == 200
    return server


def error(answer: httpx.Response) -> tuple[int, str, str | None]:
    told = answer.json()["error"]
    return answer.status_code, told["code"], told.get("param")


def test_pages(empty: Server) -> None:
    ids = [brought(empty.http, plain("x", title=str(n)))[0] for n in range(7)]
    shown = []
    for page in (1, 2, 3, 4):
        body = empty.http.get(PATH, params={"page": page}).json()
        assert (body["total"], body["page"], body["page_size"], body["pages"]) == (7, page, 3, 3)
        shown.append([item["id"] for item in body["items"]])
    newest = ids[::-1]
    assert shown == [newest[0:3], newest[3:6], newest[6:], []]
    assert listed(empty.http, page_size=2, page=2) == newest[2:4]
    assert empty.http.get(PATH, params={"q": "nothing"}).json()["pages"] == 0


def test_an_item_of_the_list(empty: Server) -> None:
    first = say(empty, "# 하늘은 **왜** 파란가요?\n자세히", metadata={"k": "v"})
    [item] = empty.http.get(PATH).json()["items"]
    assert item == {
        "id": first["conversation_id"],
        "title": "하늘은 왜 파란가요?",
        "created_at": item["created_at"],
        "updated_at": item["updated_at"],
        "message_count": 2,
        "last_message": {"role": "assistant", "preview": first["response"][:200]},
        "metadata": {"k": "v"},
    }
    assert item["created_at"].endswith("Z")
    assert item["updated_at"] > item["created_at"]


def test_order(empty: Server) -> None:
    old, new = say(empty, "old")["conversation_id"], say(empty, "new")["conversation_id"]
    say(empty, "more", conversation_id=old)
    assert listed(empty.http) == listed(empty.http, order="updated_desc") == [old, new]
    assert listed(empty.http, order="created_desc") == [new, old]


def test_labels_must_all_hold(empty: Server) -> None:
    both = brought(empty.http, plain("x", metadata={"팀": "A/B & C", "k.x": "1"}))
    one = brought(empty.http, plain("x", metadata={"팀": "A/B & C"}))
    assert listed(empty.http, **{"metadata.팀": "A/B & C"}) == one + both
    assert listed(empty.http, **{"metadata.팀": "A/B & C", "metadata.k.x": "1"}) == both
    assert listed(empty.http, **{"metadata.팀": "A/B & C", "metadata.k.x": "2"}) == []
    assert listed(empty.http, **{"metadata.팀": ""}) == []


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("colour=red", "colour"),
        ("page=0", "page"),
        ("page=-1", "page"),
        ("page=1.0", "page"),
        ("page=1000001", "page"),
        ("page=%D9%A1", "page"),
        ("page=1&page=2", "page"),
        ("page_size=0", "page_size"),
        ("page_size=101", "page_size"),
        ("order=oldest", "order"),
        ("q=" + "x" * 257, "q"),
        ("q=%00", "q"),
        ("metadata=x", "metadata"),
        ("metadata.=x", "metadata."),
        ("metadata." + "k" * 65 + "=x", "metadata."),
        ("metadata.k=" + "v" * 513, "metadata.k"),
        ("metadata.k=a&metadata.k=b", "metadata.k"),
        ("&".join(f"metadata.k{n}=x" for n in range(17)), "metadata"),
    ],
    ids=lambda value: value[:30],
)
def test_a_wrong_parameter_is_named(server: Server, query: str, field: str) -> None:
    answer = server.http.get(f"{PATH}?{query}")
    assert answer.status_code in (400, 422)
    assert (answer.json()["error"]["param"] or "").startswith(field)


SEARCHED = {
    "korean": plain("한국어 검색을 시험합니다", "네, 알겠습니다", title="첫 대화"),
    "english": plain("The Quick Brown Fox", "jumps (over) it", title="Animals"),
    "symbols": plain('100% of "C:\\temp" AND NOT a*', "OR NEAR(x)", title="기호"),
}


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("검색", {"korean"}),
        ("시험", {"korean"}),
        ("첫 대화", {"korean"}),
        ("대화 검색", set()),
        ("알겠", {"korean"}),
        ("quick FOX", {"english"}),
        ("anim", {"english"}),
        ("(over)", {"english"}),
        ("기호", {"symbols"}),
        ("100%", {"symbols"}),
        ('"C:\\temp"', {"symbols"}),
        ("a*", {"symbols"}),
        ("q*", set()),
        ("AND", {"symbols"}),
        ("quick OR fox", set()),
        ("NEAR(x)", {"symbols"}),
        ("title:기호", set()),
        ("%", {"symbols"}),
        ("_", set()),
        ("'; DROP TABLE search; --", set()),
        ("😀", set()),
        ("x" * 256, set()),
        ("", {"korean", "english", "symbols"}),
        ("   ", {"korean", "english", "symbols"}),
    ],
)
def test_search(searched: tuple[Server, dict[str, str]], words: str, found: set[str]) -> None:
    server, ids = searched
    assert set(listed(server.http, q=words)) == {ids[name] for name in found}


@pytest.fixture(scope="module")
def searched(server: Server) -> tuple[Server, dict[str, str]]:
    server.http.delete(PATH, params={"confirm": "all"})
    return server, dict(zip(SEARCHED, brought(server.http, *SEARCHED.values()), strict=True))


def test_a_conversation(server: Server) -> None:
    first = say(server, "one", system_prompt="be kind")
    id_ = first["conversation_id"]
    shown = read(server, id_)
    assert (shown["system"], shown["template"]) == ("be kind", None)
    assert shown["current_message_id"] == first["message_id"]
    question, answer = shown["messages"]
    assert (question["id"], question["parent_id"]) == (first["parent_id"], None)
    assert (answer["id"], answer["parent_id"]) == (first["message_id"], first["parent_id"])
    assert answer["usage"] == first["usage"]
    assert question["images"] == []
    for message in (question, answer):
        path = f"{PATH}/{id_}/messages/{message['id']}"
        assert server.http.get(path).json() == message


def test_an_edited_message_is_answered_on_a_branch_of_its_own(server: Server) -> None:
    first = say(server, "one")
    id_ = first["conversation_id"]
    say(server, "two", conversation_id=id_)
    path = f"{PATH}/{id_}/messages/{first['parent_id']}"
    edited = server.http.patch(path, json={"content": "uno"}).json()
    assert (edited["content"], edited["parent_id"], edited["role"]) == ("uno", None, "user")
    assert branch(server, id_) == [("user", "uno", "complete")]
    assert again(server, id_, edited["id"]).status_code == 200
    assert [text for _, text, _ in branch(server, id_)] == ["uno", "You said: uno"]
    tree = read(server, id_, all_branches="true")
    assert tree["message_count"] == tree["message_total"] == len(tree["messages"]) == 6
    switched = server.http.patch(f"{PATH}/{id_}", json={"current_message_id": first["message_id"]})
    assert switched.json()["last_message"]["preview"] == "You said: one"
    # In the middle: its branch ends there, and what followed is still in the tree.
    assert [text for _, text, _ in branch(server, id_)] == ["one", "You said: one"]
    assert len(read(server, id_, all_branches="true")["messages"]) == 6


def test_messages_come_in_pages(server: Server) -> None:
    [id_] = brought(server.http, plain(*"abcdefg"))
    pages = [read(server, id_, message_page=page, message_page_size=3) for page in (1, 2, 3, 4)]
    assert ["".join(m["content"] for m in page["messages"]) for page in pages] == [
        "abc", "def", "g", ""
    ]  # fmt: skip
    assert {(page["message_total"], page["message_pages"]) for page in pages} == {(7, 3)}
    whole = read(server, id_)
    assert (whole["message_total"], whole["message_page"], whole["message_pages"]) == (7, 1, 1)
    for query in ("message_page=0", "message_page_size=0", "message_page_size=1001", "x=1"):
        assert server.http.get(f"{PATH}/{id_}?{query}").status_code == 422


def test_change(server: Server) -> None:
    [id_] = brought(server.http, plain("x", metadata={"old": "1"}))
    path = f"{PATH}/{id_}"
    before = read(server, id_)
    changed = server.http.patch(path, json={"title": "  새 제목 ", "metadata": {"new": "2"}}).json()
    assert (changed["title"], changed["metadata"]) == ("새 제목", {"new": "2"})
    assert changed["updated_at"] > before["updated_at"]
    assert listed(server.http, **{"metadata.old": "1"}) == []
    assert listed(server.http, q="새 제목", **{"metadata.new": "2"}) == [id_]
    assert server.http.patch(path, json={"metadata": {}}).json()["metadata"] == {}
    assert read(server, id_)["title"] == "새 제목"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, None),
        ({"title": None}, "title"),
        ({"title": ""}, "title"),
        ({"title": "  "}, "title"),
        ({"title": "x" * 201}, "title"),
        ({"title": 5}, "title"),
        ({"metadata": None}, "metadata"),
        ({"metadata": []}, "metadata"),
        ({"metadata": {"": "v"}}, "metadata"),
        ({"metadata": {"k": None}}, "metadata.k"),
        ({"metadata": {"k" * 65: "v"}}, "metadata"),
        ({"metadata": {"k": "v" * 513}}, "metadata.k"),
        ({"metadata": {str(n): "v" for n in range(17)}}, "metadata"),
        ({"current_message_id": None}, "current_message_id"),
        ({"current_message_id": ""}, "current_message_id"),
        ({"id": "x", "title": "x"}, "id"),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_a_wrong_change_is_named(server: Server, body: dict[str, Any], field: str | None) -> None:
    [id_] = brought(server.http, plain("x"))
    before = read(server, id_)
    answer = server.http.patch(f"{PATH}/{id_}", json=body)
    assert answer.status_code == 422
    assert (answer.json()["error"].get("param") or "").startswith(field or "")
    assert read(server, id_) == before


def test_the_current_message_must_be_of_this_conversation(server: Server) -> None:
    first, second = brought(server.http, plain("x"), plain("y"))
    foreign = read(server, second)["messages"][0]["id"]
    before = read(server, first)
    for message in (foreign, "msg_" + "0" * 32, "x"):
        body = {"title": "not either", "current_message_id": message}
        assert error(server.http.patch(f"{PATH}/{first}", json=body))[:2] == (404, "not_found")
    assert read(server, first) == before
    assert server.http.get(f"{PATH}/{first}/messages/{foreign}").status_code == 404


def test_delete_one(server: Server) -> None:
    gone, kept = brought(server.http, plain("지울 말"), plain("둘 말"))
    assert server.http.delete(f"{PATH}/{gone}").status_code == 204
    assert server.http.delete(f"{PATH}/{gone}").status_code == 404
    assert server.http.get(f"{PATH}/{gone}").status_code == 404
    say(server, "more", conversation_id=gone, expect=404)
    assert listed(server.http, q="지울") == []
    assert read(server, kept)["messages"][0]["content"] == "둘 말"


@pytest.mark.parametrize("query", ["", "confirm=", "confirm=yes", "confirm=ALL"])
def test_delete_all_wants_consent(server: Server, query: str) -> None:
    [id_] = brought(server.http, plain("x"))
    assert error(server.http.delete(f"{PATH}?{query}")) == (422, "invalid_request", "confirm")
    assert error(server.http.delete(f"{PATH}?confirm=all&q=x")) == (422, "invalid_request", "q")
    assert id_ in listed(server.http)


def test_delete_all(empty: Server) -> None:
    brought(empty.http, *[plain("x") for _ in range(5)])
    assert empty.http.delete(PATH, params={"confirm": "all"}).json() == {"deleted": 5}
    assert empty.http.delete(PATH, params={"confirm": "all"}).json() == {"deleted": 0}
    assert listed(empty.http) == []
