"""Export and import over HTTP: what goes out comes back, on its own branch, under new ids."""

import json
from urllib.parse import unquote

import pytest

from tests.support import Server
from tests.v4.chatgpt import simple
from tests.v4.support import again, branch, read, say
from tests.v4.transfers import (
    JSON,
    PATH,
    bring,
    brought,
    lines,
    listed,
    plain,
    taken,
    without_ids,
)

SHOW = "#show=1"


def a_tree(server: Server) -> str:
    """A conversation with a template, several branches, and a current one that is not the last."""
    values = {"dialect": "SQLite", "schema": "users(id)"}
    first = say(
        server, "질문 하나", template="sql_assistant", variables=values, metadata={"k": "v"}
    )
    id_: str = first["conversation_id"]
    assert again(server, id_, first["message_id"], temperature=1.5).status_code == 200
    edited = server.http.patch(
        f"{PATH}/{id_}/messages/{first['parent_id']}", json={"content": "고친 질문"}
    ).json()
    assert again(server, id_, edited["id"]).status_code == 200
    switched = server.http.patch(
        f"{PATH}/{id_}", json={"current_message_id": first["message_id"], "title": "나의 대화"}
    )
    assert switched.status_code == 200
    return id_


def test_there_and_back(scripted: Server) -> None:
    id_ = a_tree(scripted)
    exported = taken(scripted.http, id_)
    assert exported["id"] == id_
    assert (exported["format"], exported["version"]) == ("sllm.conversation", 1)
    assert exported["setup"]["template"] == "sql_assistant"
    assert "users(id)" in exported["setup"]["head"][0]["content"]
    assert len(exported["messages"]) == 5
    [copy] = brought(scripted.http, exported)
    assert without_ids(taken(scripted.http, copy)) == without_ids(exported)
    assert branch(scripted, copy) == branch(scripted, id_)
    assert set(listed(scripted.http, q="고친", metadata_k="v")) >= {id_, copy}
    ids = {m["id"] for m in exported["messages"]} | {id_}
    assert not ids & {copy, *(m["id"] for m in taken(scripted.http, copy)["messages"])}


def test_an_imported_conversation_goes_on_as_any_other(scripted: Server) -> None:
    [copy] = brought(scripted.http, taken(scripted.http, a_tree(scripted)))
    more = say(scripted, SHOW, conversation_id=copy)
    assert "users(id)" in more["response"].partition("[user")[0]
    assert "[user: 질문 하나][assistant: You said: 질문 하나]" in more["response"]
    [theirs] = brought(scripted.http, simple())
    more = say(scripted, SHOW, conversation_id=theirs)
    assert more["response"] == (
        "[user: 하늘은 왜 파란가요?][assistant: 레일리 산란입니다.][user: 더 자세히]"
        f"[assistant: ```text\n코드\n```][user: {SHOW}]"
    )
    shown = read(scripted, theirs, all_branches="true")["messages"]
    assert again(scripted, theirs, shown[1]["id"]).status_code == 200


def test_one_object_lines_and_arrays(scripted: Server) -> None:
    first, second = plain("하나", title="one"), plain("둘", title="two")
    bodies = [
        json.dumps(first).encode(),
        json.dumps(first, indent=2, ensure_ascii=False).encode(),
        b"\xef\xbb\xbf" + json.dumps(first).encode(),
        b"\n" + json.dumps(first).encode() + b"\r\n\r\n" + json.dumps(second).encode(),
        json.dumps([first, simple(), second]).encode(),
    ]
    told = [bring(scripted.http, body) for body in bodies]
    assert [each["imported"] for each in told] == [1, 1, 1, 2, 3]
    titles = [read(scripted, id_)["title"] for id_ in told[-1]["conversations"]]
    assert titles == ["one", "Sky", "two"]
    for media_type in ("application/x-ndjson", "application/JSON; charset=UTF-8"):
        assert bring(scripted.http, first, headers={"Content-Type": media_type})["imported"] == 1


def test_twice_makes_two(scripted: Server) -> None:
    assert len({*brought(scripted.http, plain("x")), *brought(scripted.http, plain("x"))}) == 2


def test_file_names(scripted: Server) -> None:
    title = '../"하늘"\r\nX: y'
    [id_] = brought(scripted.http, plain("x", title=title))
    for form, ending in (("json", "json"), ("markdown", "md")):
        answer = scripted.http.get(f"{PATH}/{id_}/export", params={"format": form})
        disposition = answer.headers["Content-Disposition"]
        assert "X" not in answer.headers
        assert disposition.startswith(f"attachment; filename=\"X-y.{ending}\"; filename*=UTF-8''")
        assert unquote(disposition.rpartition("''")[2]) == f"하늘 X y.{ending}"


MARKDOWN = """# My talk

*Begun on 2026-01-01 00:00 UTC*

## User

Show me *code*

## Assistant

```python
# no heading
print("*")
```

## User

a
````
open
````

## Assistant

~~~
cut
~~~

*(interrupted)*
"""


def test_markdown(scripted: Server) -> None:
    """The current branch, as it was written; an open code block ends with its message."""
    talk = plain(
        "Show me *code*", '```python\n# no heading\nprint("*")\n```', "a\n````\nopen", "~~~\ncut",
        title="My\n talk",
    )  # fmt: skip
    talk["messages"][3]["status"] = "interrupted"
    talk["messages"].append({**talk["messages"][3], "id": "m4", "content": "other branch"})
    talk["current_message_id"] = "m3"
    [id_] = brought(scripted.http, talk)
    answer = scripted.http.get(f"{PATH}/{id_}/export?format=markdown")
    assert answer.headers["Content-Type"] == "text/markdown; charset=utf-8"
    assert answer.text == MARKDOWN
    headers = {"Accept-Language": "ko"}
    korean = scripted.http.get(f"{PATH}/{id_}/export?format=markdown", headers=headers)
    assert korean.headers["Content-Language"] == "ko"
    assert [line for line in korean.text.splitlines() if line.startswith("## ")] == [
        "## 사용자", "## 어시스턴트", "## 사용자", "## 어시스턴트"
    ]  # fmt: skip


@pytest.mark.parametrize("query", ["format=xml", "format=", "fromat=json", "format=json&page=1"])
def test_export_takes_nothing_else(scripted: Server, query: str) -> None:
    [id_] = brought(scripted.http, plain("x"))
    answer = scripted.http.get(f"{PATH}/{id_}/export?{query}")
    assert answer.status_code == 422


def test_all_of_them_as_lines(scripted: Server) -> None:
    ids = brought(scripted.http, plain("\u2028 하나 \n", title="A"), plain("둘", title="B"))
    exported = {each["id"]: each for each in lines(scripted.http)}
    for id_ in ids:
        assert exported[id_] == taken(scripted.http, id_)
    everything = scripted.http.get(f"{PATH}/export").content
    told = scripted.http.post(f"{PATH}/import", content=everything, headers=JSON).json()
    assert (told["imported"], told["skipped"]) == (len(exported), [])
    copies = {each["id"]: each for each in lines(scripted.http)}
    for source, copy in zip(exported.values(), told["conversations"], strict=True):
        assert without_ids(copies[copy]) == without_ids(source)
