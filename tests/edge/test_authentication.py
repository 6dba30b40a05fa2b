"""API keys: the file, the middleware, and every route of the whole server."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient
from typer.testing import CliRunner

from app import api_keys
from app.api_keys import KeyRing, KeysError, key_ring
from app.cli import cli
from tests import support
from tests.edge.raw_http import RawServer
from tests.edge.small_app import small_app
from tests.support import Server


@pytest.fixture
def keys_file(tmp_path: Path) -> Path:
    return tmp_path / "keys.json"


def test_a_key_opens_until_it_is_revoked(keys_file: Path) -> None:
    entry, key = api_keys.create(keys_file, "laptop")
    ring = KeyRing(keys_file)
    assert ring.owner_of(key) == entry.id
    assert ring.owner_of(key[:-1]) is None
    assert ring.owner_of("") is None
    assert api_keys.revoke(keys_file, entry.id)
    assert not api_keys.revoke(keys_file, entry.id)
    assert ring.owner_of(key) is None


def test_the_file_holds_hashes_and_is_private(keys_file: Path) -> None:
    _, key = api_keys.create(keys_file, "laptop")
    assert key not in keys_file.read_text()
    assert keys_file.stat().st_mode & 0o077 == 0


def test_a_ring_whose_file_is_lost_lets_nobody_in(keys_file: Path) -> None:
    _, key = api_keys.create(keys_file, "laptop")
    ring = KeyRing(keys_file)
    keys_file.unlink()
    assert ring.owner_of(key) is None


@pytest.mark.parametrize("content", [None, "[]", "{", '[{"id": "x"}]'])
def test_a_file_without_keys_refuses_the_start(keys_file: Path, content: str | None) -> None:
    if content is not None:
        keys_file.write_text(content)
    with pytest.raises(KeysError, match="API_KEYS_FILE"):
        key_ring(keys_file)


def test_no_file_means_no_keys() -> None:
    assert key_ring(None) is None


def test_the_command_line_makes_lists_and_revokes(keys_file: Path) -> None:
    run = CliRunner().invoke
    made = run(cli, ["keys", "create", "--name", "phone", "--file", str(keys_file)])
    assert made.exit_code == 0
    key = next(line.split()[1] for line in made.stdout.splitlines() if line.startswith("key:"))
    (entry,) = api_keys.read(keys_file)
    assert KeyRing(keys_file).owner_of(key) == entry.id
    listed = run(cli, ["keys", "list", "--file", str(keys_file)])
    assert "phone" in listed.stdout
    assert key not in listed.stdout
    assert run(cli, ["keys", "revoke", entry.id, "--file", str(keys_file)]).exit_code == 0
    assert run(cli, ["keys", "revoke", entry.id, "--file", str(keys_file)]).exit_code == 1


@pytest.fixture(scope="module")
def closed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, str]]:
    with support.closed(tmp_path_factory.mktemp("keys")) as closed:
        yield closed


OPEN = {"/health/live", "/ui", "/ui/static/icon.svg", "/docs/static/swagger.js"}
ROUTES = [
    *("/", "/health", "/health/ready", "/health/live", "/docs", "/redoc", "/openapi.json"),
    *("/ui", "/ui/static/icon.svg", "/docs/static/swagger.js", "/nowhere", "/api/v1/openapi.json"),
    *(
        "/api/v2/docs",
        "/metrics",
        "/api/v1/chat",
        "//health/live",
        "/health/live/",
        "/ui/static/../../health",
    ),
]


@pytest.mark.parametrize("path", ROUTES)
def test_every_route_but_the_open_ones_needs_a_key(closed: tuple[Server, str], path: str) -> None:
    server, key = closed
    raw = RawServer(server.port)
    request = f"GET {path} HTTP/1.1\r\nHost: localhost\r\n"
    without = raw.send(f"{request}\r\n".encode())
    if path in OPEN:
        assert without.status == 200
        return
    assert without.status == 401
    assert json.loads(without.body)["error"]["code"] == "unauthorized"
    assert without.headers["www-authenticate"] == "Bearer"
    allowed = raw.send(f"{request}Authorization: Bearer {key}\r\n\r\n".encode())
    assert allowed.status in (200, 404, 405, 307)


WRONG = [
    "Authorization: \r\n",
    "Authorization: Bearer\r\n",
    "Authorization: Bearer \r\n",
    "Authorization: bearer k\r\n",
    "Authorization: Basic {key}\r\n",
    "Authorization: Bearer {key}x\r\n",
    "Authorization: Bearer {key} \x01\r\n",
    "Authorization: Bearer {key}\r\nAuthorization: Bearer {key}\r\n",
    "Authorization: Bearer " + "k" * 5000 + "\r\n",
    "Authorization: Bearer \xff\xfe\r\n",
    "Authorization: Bearer ' OR 1=1--\r\n",
]


@pytest.mark.parametrize("header", WRONG)
def test_what_is_not_exactly_one_valid_key_is_refused(
    closed: tuple[Server, str], header: str
) -> None:
    server, key = closed
    lines = header.replace("{key}", key)
    data = f"GET /health HTTP/1.1\r\nHost: localhost\r\n{lines}\r\n".encode("latin-1")
    assert RawServer(server.port).send(data).status in (400, 401)


def test_a_key_chats_and_is_in_no_log(closed: tuple[Server, str]) -> None:
    server, key = closed
    assert server.chat("Hello").status_code == 200
    assert key not in server.log


@pytest.mark.parametrize(("address", "beyond"), [("192.168.0.9", True), ("127.0.0.1", False)])
def test_an_open_server_that_is_reached_from_beyond_says_so(
    address: str, beyond: bool, caplog: pytest.LogCaptureFixture
) -> None:
    app = small_app()
    app.state.reached_beyond = False
    with TestClient(app, base_url=f"http://{address}") as client:
        client.get("/nowhere")
        client.get("/nowhere")
    assert app.state.reached_beyond is beyond
    assert caplog.text.count("no API keys") == int(beyond)
