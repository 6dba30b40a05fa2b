"""Making, changing, restoring and deleting templates of one's own, and using them."""

import asyncio
from typing import Any

import httpx
import pytest

from app.v3.prompts import BUILTIN
from tests.v4.owners import PATH, Owners, error, fresh, make, names

TRANSLATOR: dict[str, Any] = {
    "name": "translator",
    "title": {"en": "Translator", "ko": "번역가"},
    "description": "말한 대로 옮깁니다.",
    "language": "ko",
    "system": "Translate into {{ target }}. {{note}}",
    "examples": [{"user": "안녕 {{target}}", "assistant": "Hello"}],
    "variables": [
        {
            "name": "target",
            "type": "enum",
            "values": ["English", "한국어"],
            "default": "한국어",
            "description": {"ko": "옮길 언어"},
        },
        {"name": "note"},
    ],
    "options": {"temperature": 0.2, "max_tokens": 5, "stop": ["\n"]},
    "tags": ["translation"],
}
DEFAULTS: dict[str, Any] = {
    "required": False,
    "default": None,
    "type": "string",
    "values": [],
    "description": "",
}


def test_what_is_made_is_there_whole(owners: Owners) -> None:
    answer = owners.mine.post(PATH, json=TRANSLATOR, headers={"Accept-Language": "ko"})
    assert (answer.status_code, answer.headers["etag"]) == (201, '"1"')
    assert answer.headers["location"] == f"{PATH}/translator"
    body = answer.json()
    kept = {key: body[key] for key in ("name", "language", "system", "examples", "options", "tags")}
    assert kept == {key: TRANSLATOR[key] for key in kept}
    assert (body["title"], body["description"]) == ("번역가", TRANSLATOR["description"])
    assert (body["version"], body["builtin"]) == (1, False)
    assert body["created_at"] == body["updated_at"]
    target, note = body["variables"]
    assert target == DEFAULTS | TRANSLATOR["variables"][0] | {"description": "옮길 언어"}
    assert note == {"name": "note", **DEFAULTS}
    for version in ("v3", "v4"):
        path = f"/api/{version}/prompt/templates/translator"
        read = owners.mine.get(path, headers={"Accept-Language": "ko"})
        assert (read.json(), read.headers["etag"]) == (body, '"1"')


def test_a_name_and_a_system_prompt_are_enough(owners: Owners) -> None:
    body = make(owners.mine, "short")
    assert (body["title"], body["description"], body["language"]) == ("short", "", "multi")
    assert make(owners.mine, "no_title", title="", description="")["title"] == "no_title"


def test_titles_follow_the_language_where_there_are_several(owners: Owners) -> None:
    make(owners.mine, "one", title="하나")
    make(owners.mine, "korean", title={"ko": "둘"})
    make(owners.mine, "both", title={"ko": "셋", "en": "three"})
    for language, titles in (("en", ["three", "둘", "하나"]), ("ko", ["셋", "둘", "하나"])):
        listed = owners.mine.get(PATH, headers={"Accept-Language": language}).json()["items"]
        assert [item["title"] for item in listed if not item["builtin"]] == titles


def test_a_taken_name_is_a_conflict(owners: Owners) -> None:
    make(owners.mine)
    again = owners.mine.post(PATH, json={"name": "own", "system": "other"})
    assert error(again) == (409, "conflict", "name")
    assert owners.mine.get(f"{PATH}/own").json()["system"] == "Be kind."


@pytest.mark.parametrize("name", BUILTIN)
def test_what_is_built_in_cannot_be_changed_nor_shadowed(owners: Owners, name: str) -> None:
    before = owners.mine.get(f"{PATH}/{name}").json()
    body = {"system": "mine"}
    answers = [
        owners.mine.post(PATH, json={"name": name, **body}),
        owners.mine.put(f"{PATH}/{name}", json=body),
        owners.mine.put(f"{PATH}/{name}", json=body, headers={"If-Match": '"1"'}),
        owners.mine.delete(f"{PATH}/{name}", headers={"Accept-Language": "ko"}),
        owners.mine.post(f"{PATH}/{name}/versions/1/restore"),
    ]
    for answer in answers:
        assert error(answer)[:2] == (409, "conflict")
        assert "POST prompt/templates" in answer.json()["error"]["details"]["hint"]
    assert "다른 이름" in answers[3].json()["error"]["details"]["hint"]
    assert owners.mine.get(f"{PATH}/{name}").json() == before
    [only] = owners.mine.get(f"{PATH}/{name}/versions").json()["items"]
    assert only == before


def test_every_change_is_a_version_and_an_old_one_comes_back(owners: Owners) -> None:
    name = fresh()
    first = make(owners.mine, name, title="First", tags=["a"])
    changed = owners.mine.put(f"{PATH}/{name}", json={"system": "second"})
    assert (changed.status_code, changed.headers["etag"]) == (200, '"2"')
    assert (changed.json()["title"], changed.json()["tags"]) == (name, [])
    restored = owners.mine.post(f"{PATH}/{name}/versions/1/restore")
    assert (restored.status_code, restored.headers["etag"]) == (200, '"3"')
    told = {"version": 3, "updated_at": restored.json()["updated_at"]}
    assert restored.json() == first | told
    history = owners.mine.get(f"{PATH}/{name}/versions").json()
    assert [item["version"] for item in history["items"]] == [3, 2, 1]
    assert history["items"][1:] == [changed.json(), first]
    assert history["items"][0] == restored.json() == owners.mine.get(f"{PATH}/{name}").json()
    paged = owners.mine.get(f"{PATH}/{name}/versions", params={"page": 2, "page_size": 2}).json()
    assert (paged["items"], paged["total"], paged["pages"]) == ([first], 3, 2)


def test_a_deleted_template_is_gone_with_its_versions(owners: Owners) -> None:
    name = fresh()
    make(owners.mine, name, system="secret words")
    assert owners.mine.delete(f"{PATH}/{name}").content == b""
    for answer in (
        owners.mine.get(f"{PATH}/{name}"),
        owners.mine.delete(f"{PATH}/{name}"),
        owners.mine.put(f"{PATH}/{name}", json={"system": "x"}),
        owners.mine.get(f"{PATH}/{name}/versions"),
        owners.mine.post(f"{PATH}/{name}/versions/1/restore"),
    ):
        assert error(answer) == (404, "not_found", "template")
    again = make(owners.mine, name)
    # Whoever still holds the old one's ETag must not overwrite this one.
    assert again["version"] == 2
    assert [v["version"] for v in owners.mine.get(f"{PATH}/{name}/versions").json()["items"]] == [2]
    restored = owners.mine.post(f"{PATH}/{name}/versions/1/restore")
    assert error(restored) == (404, "not_found", "version")


@pytest.mark.parametrize(
    "version", ["0", "-1", "x", "1.0", "1_0", "%20", "9999999999", "2147483648"]
)
def test_a_version_that_is_no_number_is_refused(owners: Owners, version: str) -> None:
    make(owners.mine)
    answer = owners.mine.post(f"{PATH}/own/versions/{version}/restore")
    assert error(answer) == (422, "invalid_request", "version")


@pytest.mark.parametrize("value", ['"1"', 'W/"1"', "1", "*", None])
def test_a_change_goes_through_while_nobody_was_quicker(owners: Owners, value: str | None) -> None:
    name = fresh()
    head = {} if value is None else {"If-Match": value}
    make(owners.mine, name)
    assert owners.mine.put(f"{PATH}/{name}", json={"system": "x"}, headers=head).status_code == 200
    stale = {} if value in (None, "*") else head
    expected = 409 if stale else 204
    assert owners.mine.delete(f"{PATH}/{name}", headers=head).status_code == expected


@pytest.mark.parametrize("value", ['"2"', '"0"', "7", 'W/"99999999999999999"'])
def test_a_stale_version_is_a_conflict_that_changes_nothing(owners: Owners, value: str) -> None:
    name = fresh()
    made, head = make(owners.mine, name), {"If-Match": value}
    for answer in (
        owners.mine.put(f"{PATH}/{name}", json={"system": "x"}, headers=head),
        owners.mine.delete(f"{PATH}/{name}", headers=head),
        owners.mine.post(f"{PATH}/{name}/versions/1/restore", headers=head),
    ):
        assert error(answer) == (409, "conflict", "If-Match")
        assert answer.json()["error"]["details"] == {"version": 1}
    assert owners.mine.get(f"{PATH}/{name}").json() == made


@pytest.mark.parametrize(
    "value", ["", "x", '"x"', '"1', '1"', "w/1", "-1", '"1.0"', '"1", "2"', '"1"x', "**", "1" * 19]
)
def test_an_if_match_that_is_no_version_is_refused(owners: Owners, value: str) -> None:
    made, head = make(owners.mine), {"If-Match": value}
    for answer in (
        owners.mine.put(f"{PATH}/own", json={"system": "x"}, headers=head),
        owners.mine.delete(f"{PATH}/own", headers=head),
    ):
        assert error(answer) == (400, "invalid_parameter", "If-Match")
    assert owners.mine.get(f"{PATH}/own").json() == made


def test_two_if_match_lines_are_refused(owners: Owners) -> None:
    make(owners.mine)
    lines = [("If-Match", '"1"'), ("If-Match", '"1"')]
    assert error(owners.mine.delete(f"{PATH}/own", headers=lines))[0] == 400


async def at_once(owners: Owners, requests: list[tuple[str, str, dict[str, Any]]]) -> list[int]:
    """The statuses of requests that are sent together, each over a connection of its own."""
    limits = httpx.Limits(max_keepalive_connections=0)
    client = httpx.AsyncClient(
        base_url=owners.server.url, headers=owners.mine.headers, timeout=60, limits=limits
    )
    async with client:
        sent = [client.request(method, path, **more) for method, path, more in requests]
        return [answer.status_code for answer in await asyncio.gather(*sent)]


async def test_of_many_writers_at_once_one_wins(owners: Owners) -> None:
    for number in range(5):
        name = f"raced{number}"
        bodies = [{"name": name, "system": f"writer {n}"} for n in range(8)]
        made = await at_once(owners, [("POST", PATH, {"json": body}) for body in bodies])
        assert sorted(made) == [201] + [409] * 7
        head = {"If-Match": '"1"'}
        changes = [{"json": {"system": f"second {n}"}, "headers": head} for n in range(8)]
        changed = await at_once(owners, [("PUT", f"{PATH}/{name}", more) for more in changes])
        assert sorted(changed) == [200] + [409] * 7
        history = owners.mine.get(f"{PATH}/{name}/versions").json()["items"]
        assert [item["version"] for item in history] == [2, 1]


def test_the_list_has_built_in_ones_first_then_own_by_name(owners: Owners) -> None:
    for name in ("zeta", "alpha", "0", "mid-dle"):
        make(owners.mine, name, tags=["code"], language="ko")
    builtin, own = list(BUILTIN), ["0", "alpha", "mid-dle", "zeta"]
    for version in ("v3", "v4"):
        assert names(owners.mine, version) == builtin + own
        pages = [names(owners.mine, version, page=p, page_size=2) for p in range(1, 7)]
        assert [name for page in pages for name in page] == builtin + own
        assert [len(page) for page in pages] == [2, 2, 2, 2, 1, 0]
        tagged = names(owners.mine, version, tag="code")
        assert tagged == ["code_assistant", "sql_assistant", *own]
        assert names(owners.mine, version, tag="code", page=2, page_size=3) == own[1:4]
        assert names(owners.mine, version, language="en") == builtin
        assert names(owners.mine, version, language="ko", tag="code") == tagged


@pytest.mark.parametrize("version", ["v3", "v4"])
def test_an_own_template_speaks_in_a_chat(owners: Owners, version: str) -> None:
    made = {**TRANSLATOR, "options": {}}
    assert owners.mine.post(PATH, json=made).status_code == 201
    variables = {"note": "{{target}}도 그대로"}
    path = f"/api/{version}/prompt/templates/translator/render"
    preview = owners.mine.post(path, json={"variables": variables}).json()
    assert [message["content"] for message in preview["messages"]] == [
        "Translate into 한국어. {{target}}도 그대로", "안녕 한국어", "Hello",
    ]  # fmt: skip
    chat = {"message": "#show=1", "template": "translator", "variables": variables}
    answer = owners.mine.post(f"/api/{version}/chat", json=chat).json()
    shown = "".join(f"[{m['role']}: {m['content']}]" for m in preview["messages"])
    assert answer["response"] == f"{shown}[user: #show=1]"
    assert answer["usage"]["prompt_tokens"] == preview["prompt_tokens"] + 1
    wrong = owners.mine.post(f"/api/{version}/chat", json={**chat, "variables": {"other": 1}})
    assert error(wrong) == (422, "invalid_request", "variables.other")


def test_an_own_template_s_options_are_defaults(owners: Owners) -> None:
    make(owners.mine, options={"max_tokens": 3})
    chat = {"message": "#words=50", "template": "own"}
    for route in ("/api/v3/chat", "/api/v4/chat"):
        used = owners.mine.post(route, json=chat).json()["usage"]["completion_tokens"]
        more = owners.mine.post(route, json={**chat, "max_tokens": 7}).json()["usage"]
        assert (used, more["completion_tokens"]) == (3, 7)
