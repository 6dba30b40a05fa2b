"""A conversation belongs to the key that made it: to another key its ids are as random ones."""

import asyncio
import json
from typing import Any

import httpx
import pytest

from tests.v4.owners import Owners
from tests.v4.transfers import PATH, brought, lines, listed, plain, taken

RANDOM = ("conv_" + "5f" * 16, "msg_" + "a7" * 16)
# (method, path with CONV and MSG, body with them)
USES: list[tuple[str, str, Any]] = [
    ("GET", f"{PATH}/CONV", None),
    ("GET", f"{PATH}/CONV?all_branches=true&message_page_size=1", None),
    ("PATCH", f"{PATH}/CONV", {"title": "hers"}),
    ("PATCH", f"{PATH}/CONV", {"current_message_id": "MSG"}),
    ("DELETE", f"{PATH}/CONV", None),
    ("GET", f"{PATH}/CONV/export", None),
    ("GET", f"{PATH}/CONV/export?format=markdown", None),
    ("GET", f"{PATH}/CONV/messages/MSG", None),
    ("PATCH", f"{PATH}/CONV/messages/MSG", {"content": "hers"}),
    ("POST", f"{PATH}/CONV/messages/MSG/regenerate", None),
    ("POST", f"{PATH}/CONV/messages/MSG/regenerate/stream", None),
    ("POST", "/api/v4/chat", {"message": "x", "conversation_id": "CONV"}),
    ("POST", "/api/v4/chat", {"message": "x", "conversation_id": "CONV", "parent_id": "MSG"}),
    ("POST", "/api/v4/chat/stream", {"message": "x", "conversation_id": "CONV"}),
]
uses = pytest.mark.parametrize("use", USES, ids=lambda use: " ".join(map(str, use)))


def used(client: httpx.Client, use: tuple[str, str, Any], ids: tuple[str, str]) -> httpx.Response:
    method, path, body = use
    named = json.dumps(body).replace("CONV", ids[0]).replace("MSG", ids[1]) if body else ""
    path = path.replace("CONV", ids[0]).replace("MSG", ids[1])
    # The same X-Request-ID makes answers comparable to the byte.
    headers = {"X-Request-ID": "same"}
    if body:
        headers["Content-Type"] = "application/json"
    return client.request(method, path, content=named, headers=headers)


def seen(answer: httpx.Response) -> tuple[int, bytes, dict[str, str]]:
    """All that a client can compare."""
    headers = {name: value for name, value in answer.headers.items() if name != "date"}
    return answer.status_code, answer.content, headers


def ids_of(client: httpx.Client, id_: str) -> tuple[str, str]:
    return id_, taken(client, id_)["messages"][-1]["id"]


@uses
def test_another_s_id_is_as_one_that_nobody_has(owners: Owners, use: tuple[str, str, Any]) -> None:
    [mine] = brought(owners.mine, plain("나의 비밀", "대답", metadata={"k": "v"}))
    ids = ids_of(owners.mine, mine)
    before = taken(owners.mine, mine)
    foreign, random = used(owners.hers, use, ids), used(owners.hers, use, RANDOM)
    assert foreign.status_code == 404
    assert seen(foreign) == seen(random)
    assert taken(owners.mine, mine) == before


@pytest.mark.parametrize(
    "use", [use for use in USES if "MSG" in f"{use}"], ids=lambda use: " ".join(map(str, use))
)
def test_a_message_of_another_conversation_is_as_none(
    owners: Owners, use: tuple[str, str, Any]
) -> None:
    """Her own conversation does not open my message, nor does another of mine."""
    [mine], [other], [hers] = (
        brought(client, plain("나의 비밀", "대답"))
        for client in (owners.mine, owners.mine, owners.hers)
    )
    message = ids_of(owners.mine, mine)[1]
    for client, place in ((owners.hers, hers), (owners.mine, other)):
        foreign = used(client, use, (place, message))
        assert foreign.status_code == 404
        assert seen(foreign) == seen(used(client, use, (place, RANDOM[1])))


def test_lists_searches_and_exports_show_one_s_own(owners: Owners) -> None:
    for client in (owners.mine, owners.hers):
        client.delete(PATH, params={"confirm": "all"})
    [mine] = brought(owners.mine, plain("나의 비밀", title="제목", metadata={"k": "v"}))
    [hers] = brought(owners.hers, plain("그의 비밀", title="제목", metadata={"k": "v"}))
    for client, own in ((owners.mine, mine), (owners.hers, hers)):
        for query in ({}, {"q": "비밀"}, {"q": "제목"}, {"metadata.k": "v"}):
            assert listed(client, **query) == [own]
            assert client.get(PATH, params=query).json()["total"] == 1
        assert [each["id"] for each in lines(client)] == [own]
    assert listed(owners.hers, q="나의") == []
    assert owners.hers.delete(PATH, params={"confirm": "all"}).json() == {"deleted": 1}
    assert listed(owners.mine) == [mine]
    copied = brought(owners.hers, taken(owners.mine, mine))
    assert owners.mine.delete(f"{PATH}/{mine}").status_code == 204
    assert listed(owners.hers, q="나의") == copied


def test_without_a_key_there_is_nothing(owners: Owners) -> None:
    ids = ids_of(owners.mine, brought(owners.mine, plain("x"))[0])
    with httpx.Client(base_url=owners.server.url) as nobody:
        for use in (*USES, ("GET", PATH, None), ("GET", f"{PATH}/export", None)):
            assert used(nobody, use, ids).status_code == 401
        assert nobody.delete(f"{PATH}?confirm=all").status_code == 401
        assert nobody.post(f"{PATH}/import", json=[plain("x")]).status_code == 401


def test_ids_never_come_twice(owners: Owners) -> None:
    """Of 128 random bits each, in both workers at once."""

    async def many(key: str) -> list[str]:
        headers = {"Authorization": f"Bearer {key}"}
        async with httpx.AsyncClient(base_url=owners.server.url, headers=headers) as client:
            bodies = [[plain("x", "y") for _ in range(10)] for _ in range(8)]
            answers = await asyncio.gather(
                *(client.post(f"{PATH}/import", json=body, timeout=60) for body in bodies)
            )
            # Two imports at once in a process; the others are told to come again.
            assert {answer.status_code for answer in answers} <= {200, 503}
            return [id_ for answer in answers for id_ in answer.json().get("conversations", [])]

    ids = asyncio.run(many(owners.key))
    assert len(set(ids)) == len(ids) > 0
    assert all(len(id_) == len("conv_") + 32 for id_ in ids)
