"""`owners`: two people with API keys at one server of two workers, without templates."""

from collections.abc import Iterator
from contextlib import ExitStack

import httpx
import pytest

from app import api_keys
from tests.support import PATIENCE, Server
from tests.v4.owners import PATH, Owners


@pytest.fixture(scope="session")
def owners_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Owners]:
    folder = tmp_path_factory.mktemp("owners")
    made = [api_keys.create(folder / "keys.json", name) for name in ("mine", "hers")]
    settings = {"SLLM_MODEL_PATH": "scripted", "API_KEYS_FILE": str(folder / "keys.json")}
    server = Server(folder, settings, "--workers", "2")
    server.http.headers["Authorization"] = f"Bearer {made[0][1]}"
    with ExitStack() as stack:
        stack.callback(server.stop)
        mine, hers = (stack.enter_context(client_of(server, key)) for _, key in made)
        server.wait_for("ok")
        yield Owners(server, mine, hers, made[0][1])


def client_of(server: Server, key: str) -> httpx.Client:
    headers = {"Authorization": f"Bearer {key}"}
    return httpx.Client(base_url=server.url, headers=headers, timeout=PATIENCE)


@pytest.fixture
def owners(owners_server: Owners) -> Iterator[Owners]:
    """Afterwards there are no templates again, and nothing went wrong unseen."""
    yield owners_server
    for client in (owners_server.mine, owners_server.hers):
        for item in client.get(PATH, params={"page_size": 100}).json()["items"]:
            if not item["builtin"]:
                assert client.delete(f"{PATH}/{item['name']}").status_code == 204
    assert "Traceback" not in owners_server.server.log
