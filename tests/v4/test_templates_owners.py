"""A template belongs to the key that made it: to another key it is a name like any other."""

from typing import Any

import httpx
import pytest

from app.v3.prompts import BUILTIN
from tests.v4.owners import PATH, Owners, error, make, names

V3 = "/api/v3/prompt/templates"
BODY = {"system": "hers now"}
MESSAGES = [{"role": "user", "content": "x"}]
# (method, path with NAME, body with NAME)
USES: list[tuple[str, str, Any]] = [
    ("GET", f"{PATH}/NAME", None),
    ("GET", f"{V3}/NAME", None),
    ("PUT", f"{PATH}/NAME", BODY),
    ("DELETE", f"{PATH}/NAME", None),
    ("GET", f"{PATH}/NAME/versions", None),
    ("POST", f"{PATH}/NAME/versions/1/restore", None),
    ("POST", f"{PATH}/NAME/versions/7/restore", None),
    ("POST", f"{PATH}/NAME/render", {}),
    ("POST", f"{V3}/NAME/render", {}),
    ("POST", "/api/v3/chat", {"message": "x", "template": "NAME"}),
    ("POST", "/api/v3/chat/stream", {"message": "x", "template": "NAME"}),
    ("POST", "/api/v4/chat", {"message": "x", "template": "NAME"}),
    ("POST", "/api/v4/chat/stream", {"message": "x", "template": "NAME"}),
    ("POST", "/api/v4/tokenize", {"messages": MESSAGES, "template": "NAME"}),
]
HEADS: list[dict[str, str]] = [{}, {"If-Match": '"1"'}, {"If-Match": '"9"'}]


def used(client: httpx.Client, use: tuple[str, str, Any], name: str, head: Any) -> httpx.Response:
    method, path, body = use
    named = {**body, "template": name} if body and "template" in body else body
    # The same X-Request-ID makes answers comparable to the byte.
    headers = {"X-Request-ID": "same", **head}
    return client.request(method, path.replace("NAME", name), json=named, headers=headers)


@pytest.mark.parametrize("head", HEADS, ids=str)
@pytest.mark.parametrize("use", USES, ids=lambda use: " ".join(use[:2]))
def test_another_s_template_is_as_a_name_that_nobody_has(
    owners: Owners, use: tuple[str, str, Any], head: dict[str, str]
) -> None:
    made = make(owners.mine, "secret")
    foreign = used(owners.hers, use, "secret", head)
    random = used(owners.hers, use, "random", head)
    assert error(foreign) == (404, "not_found", "template")
    assert foreign.content == random.content
    without_date = [
        {key: value for key, value in answer.headers.items() if key != "date"}
        for answer in (foreign, random)
    ]
    assert without_date[0] == without_date[1]
    assert owners.mine.get(f"{PATH}/secret").json() == made


def test_lists_show_one_s_own(owners: Owners) -> None:
    make(owners.mine, "a", tags=["shared"])
    make(owners.hers, "b", tags=["shared"])
    for version in ("v3", "v4"):
        assert names(owners.mine, version) == [*BUILTIN, "a"]
        assert names(owners.hers, version) == [*BUILTIN, "b"]
        assert names(owners.hers, version, tag="shared") == ["b"]
    assert owners.hers.get(PATH).json()["total"] == len(BUILTIN) + 1


def test_two_owners_have_the_same_name_apart(owners: Owners) -> None:
    before = make(owners.mine, system="mine")
    make(owners.hers, system="hers")
    assert owners.hers.put(f"{PATH}/own", json={"system": "hers, again"}).status_code == 200
    assert owners.mine.get(f"{PATH}/own").json() == before
    for client, said in ((owners.mine, "mine"), (owners.hers, "hers, again")):
        chat = client.post("/api/v3/chat", json={"message": "#show=1", "template": "own"})
        assert chat.json()["response"] == f"[system: {said}][user: #show=1]"
    assert owners.mine.delete(f"{PATH}/own").status_code == 204
    assert owners.hers.get(f"{PATH}/own").json()["system"] == "hers, again"


def test_without_a_key_there_is_nothing(owners: Owners) -> None:
    make(owners.mine)
    for path in (PATH, f"{PATH}/own"):
        assert httpx.get(owners.server.url + path).status_code == 401
