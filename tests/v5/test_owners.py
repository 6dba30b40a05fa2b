"""Images belong to whoever sent them: another key gets the 404 of what does not exist."""

from collections.abc import Iterator
from contextlib import ExitStack

import httpx
import pytest

from app import api_keys
from tests.support import Server
from tests.v4.conftest import client_of
from tests.v5.conftest import SETTINGS
from tests.v5.support import CHAT, ask, image, seeing

ROUTES = [
    ("POST", CHAT),
    ("POST", f"{CHAT}/stream"),
    ("GET", "/api/v5/vision/info"),
    ("GET", "/api/v5/images/img_" + "0" * 32),
]


@pytest.fixture(scope="module")
def clients(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[Server, httpx.Client, httpx.Client]]:
    folder = tmp_path_factory.mktemp("image-owners")
    keys = [api_keys.create(folder / "keys.json", name)[1] for name in ("mine", "hers")]
    server = Server(folder, SETTINGS | {"API_KEYS_FILE": str(folder / "keys.json")})
    server.http.headers["Authorization"] = f"Bearer {keys[0]}"
    with ExitStack() as stack:
        stack.callback(server.stop)
        mine, hers = (stack.enter_context(client_of(server, key)) for key in keys)
        server.wait_for("ok")
        seeing(server)
        yield server, mine, hers


def same(left: httpx.Response, right: httpx.Response) -> bool:
    """But for the request's id."""
    bodies = [answer.json()["error"] for answer in (left, right)]
    for body in bodies:
        del body["request_id"]
    return left.status_code == right.status_code == 404 and bodies[0] == bodies[1]


def test_another_s_image_is_as_if_it_were_not(
    clients: tuple[Server, httpx.Client, httpx.Client],
) -> None:
    _, mine, hers = clients
    id_, none = ask(mine, "what?", image())["images"][0]["id"], "img_" + "0" * 32
    assert mine.get(f"/api/v5/images/{id_}").status_code == 200
    paths = (f"/api/v5/images/{id_}", f"/api/v5/images/{none}")
    assert same(hers.get(paths[0]), hers.get(paths[1]))
    bodies = [{"message": "?", "images": [{"id": each}]} for each in (id_, none)]
    assert same(hers.post(CHAT, json=bodies[0]), hers.post(CHAT, json=bodies[1]))


def test_the_same_picture_of_two_owners_stays_for_the_other(
    clients: tuple[Server, httpx.Client, httpx.Client],
) -> None:
    _, mine, hers = clients
    first, second = ask(mine, "what?", image(50, 50)), ask(hers, "what?", image(50, 50))
    assert mine.delete(f"/api/v5/conversations/{first['conversation_id']}").status_code == 204
    assert hers.get(f"/api/v5/images/{second['images'][0]['id']}").status_code == 200
    assert second["usage"]["cached_tokens"] == 0  # nor is another's cache told of


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_every_route_asks_for_a_key(
    clients: tuple[Server, httpx.Client, httpx.Client], method: str, path: str
) -> None:
    server = clients[0]
    assert httpx.request(method, server.url + path, timeout=60).status_code == 401


def test_a_page_elsewhere_cannot_send_a_form(
    clients: tuple[Server, httpx.Client, httpx.Client],
) -> None:
    _, mine, _ = clients
    for head in ({"Origin": "https://evil.example"}, {"Origin": "null"}):
        answer = mine.post(CHAT, data={"message": "?"}, headers=head)
        assert answer.status_code == 403
