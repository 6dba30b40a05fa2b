"""Who may call: hosts and origins, over raw sockets since clients tidy such headers."""

import pytest

from app.edge.application import EdgeSettings
from tests.edge.raw_http import Answer, RawServer, request_bytes, running
from tests.edge.small_app import small_app
from tests.torture.cases import FOREIGN_HOSTS, FOREIGN_ORIGINS, OWN_HOSTS

BODY = b'{"message": "x"}'
CORS = EdgeSettings(
    allowed_hosts=("sllm.example", "*.inside.example"), cors_origins=("https://app.example",)
)


def chat(server: RawServer, fields: dict[str, str], method: str = "POST") -> Answer:
    fixed = {"Content-Type": "application/json", "Content-Length": str(len(BODY))}
    return server.send(request_bytes(method, "/api/v1/chat", fields | fixed) + BODY)


@pytest.mark.parametrize("host", FOREIGN_HOSTS)
def test_foreign_hosts(server: RawServer, host: str) -> None:
    answer = chat(server, {"Host": host})
    assert answer.status in (400, 403)
    assert b"evil" not in answer.body


@pytest.mark.parametrize("host", OWN_HOSTS)
def test_own_hosts(server: RawServer, host: str) -> None:
    assert chat(server, {"Host": host}).status == 200


def test_no_host_or_two(server: RawServer) -> None:
    assert chat(server, {}).status in (400, 403)
    assert chat(server, {"Host": "localhost", "host": "localhost"}).status in (400, 403)


def test_an_absolute_url_does_not_stand_for_the_host(server: RawServer) -> None:
    get = b"GET http://evil.example/openapi.json HTTP/1.1\r\nHost: %s\r\n\r\n"
    assert server.send(get % b"evil.example").status == 403
    assert server.send(get % b"localhost").status == 200


@pytest.mark.parametrize("origin", FOREIGN_ORIGINS)
def test_foreign_origins(server: RawServer, origin: str) -> None:
    for method in ("POST", "OPTIONS"):
        answer = chat(server, {"Host": "localhost", "Origin": origin}, method)
        assert answer.status == 403
        assert "access-control-allow-origin" not in answer.headers
        assert b"forbidden_origin" in answer.body


@pytest.mark.parametrize(
    ("host", "origin"),
    [
        ("localhost:8000", "http://localhost:8000"),
        ("localhost:8000", "HTTP://LOCALHOST:8000"),
        ("localhost", "https://localhost"),  # behind a proxy that ends TLS
        ("[::1]:80", "http://[::1]"),
    ],
)
def test_the_own_origin(server: RawServer, host: str, origin: str) -> None:
    assert chat(server, {"Host": host, "Origin": origin}).status == 200


@pytest.mark.parametrize(
    ("path", "method", "mode", "status"),
    [
        ("/api/v1/chat", "POST", "no-cors", 403),
        ("/openapi.json", "GET", "no-cors", 403),
        ("/api/v1/number/1", "GET", "navigate", 403),
        ("/docs", "POST", "navigate", 403),
        ("/docs", "GET", "navigate", 200),
    ],
)
def test_other_sites_may_only_link_to_pages(
    server: RawServer, path: str, method: str, mode: str, status: int
) -> None:
    fields = {"Host": "localhost", "Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": mode}
    assert server.send(request_bytes(method, path, fields)).status == status


def test_configured_hosts_and_origins() -> None:
    origin = {"Origin": "https://app.example"}
    asked = {"Access-Control-Request-Method": "POST"}
    with running(small_app(CORS)) as server:
        assert chat(server, {"Host": "sllm.example"}).status == 200
        assert chat(server, {"Host": "a.b.inside.example:81"}).status == 200
        assert chat(server, {"Host": "inside.example"}).status == 403
        answer = chat(server, {"Host": "localhost", **origin})
        assert answer.status == 200
        assert answer.headers["access-control-allow-origin"] == "https://app.example"
        preflight = chat(server, {"Host": "localhost", **origin, **asked}, "OPTIONS")
        assert preflight.status == 200
        assert preflight.headers["access-control-allow-origin"] == "https://app.example"
        stranger = {"Host": "localhost", "Origin": "https://evil.example"}
        answer = chat(server, stranger)
        assert answer.status == 403
        assert "access-control-allow-origin" not in answer.headers
        assert (
            "access-control-allow-origin" not in chat(server, stranger | asked, "OPTIONS").headers
        )
