"""`/`, health, documents and the chat page of the whole application."""

import re
from urllib.parse import urljoin

import pytest

from tests.support import Server


def test_the_index_tells_versions_and_routes(scripted: Server) -> None:
    body = scripted.http.get("/").json()
    assert [version["version"] for version in body["versions"]] == ["v1", "v2", "v3", "v4", "v5"]
    routes = {(e["method"], e["path"]) for v in body["versions"] for e in v["endpoints"]}
    assert ("POST", "/api/v1/chat") in routes
    assert ("POST", "/api/v2/chat/stream") in routes
    assert ("POST", "/api/v1/chat/stream") not in routes
    assert ("POST", "/api/v3/prompt/templates/{name}/render") in routes
    assert body["models"] == {"text": "scripted", "vision": None}


def test_a_browser_is_sent_to_the_chat_page(scripted: Server) -> None:
    browser = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
    answer = scripted.http.get("/", headers=browser)
    assert (answer.status_code, answer.headers["location"]) == (307, "/ui")
    assert scripted.http.get("/", headers={"Accept": "*/*"}).status_code == 200


def test_health_has_the_contract_s_fields(scripted: Server) -> None:
    scripted.wait_idle()
    body = scripted.health()
    assert set(body) == {
        "status", "version", "uptime_seconds", "models", "queue", "database", "warnings",
    }  # fmt: skip
    text = body["models"]["text"]
    assert text["status"] == "ready"
    assert text["slots"] == {"total": 4, "busy": 0}
    assert body["queue"] == {"waiting": 0, "limit": 8}
    assert body["models"]["vision"]["status"] == "not_configured"


@pytest.mark.parametrize("path", ["/health/ready", "/health/live"])
def test_the_short_forms_have_no_body(scripted: Server, path: str) -> None:
    answer = scripted.http.get(path)
    assert (answer.status_code, answer.content) == (200, b"")


PAGES = ["/docs", "/redoc", "/ui", "/api/v1/docs", "/api/v2/docs", "/api/v3/docs"]


@pytest.mark.parametrize("path", PAGES)
def test_pages_load_everything_from_this_server(scripted: Server, path: str) -> None:
    page = scripted.http.get(path)
    assert page.status_code == 200
    assert page.headers["content-type"].startswith("text/html")
    policy = page.headers["content-security-policy"]
    assert "script-src" not in policy or "script-src 'self';" in policy
    for link in re.findall(r'(?:src|href)="([^"]+)"', page.text):
        if not link.startswith(("data:", "#")):
            address = urljoin(f"{scripted.url}{path}", link)
            assert address.startswith(f"{scripted.url}/"), link
            assert scripted.http.get(address).status_code == 200, link
    assert not re.findall(r"<script(?![^>]*\bsrc=)[^>]*>", page.text)


DOCUMENTS = ["/openapi.json", *(f"/api/v{number}/openapi.json" for number in (1, 2, 3))]


@pytest.mark.parametrize("path", DOCUMENTS)
def test_documents_tell_every_route(scripted: Server, path: str) -> None:
    document = scripted.http.get(path).json()
    assert document["openapi"].startswith("3.1")
    assert any(route.endswith("/chat") for route in document["paths"])


def test_no_route_is_found_as_an_error_of_the_contract(scripted: Server) -> None:
    answer = scripted.http.get("/api/v1/nowhere")
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "not_found")
    answer = scripted.http.get("/api/v1/chat")
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")


def test_a_slash_too_many_is_not_found_instead_of_redirected(scripted: Server) -> None:
    for path in ("/health/", "/api/v1/chat/", "/api//v1/chat"):
        answer = scripted.http.get(path)
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "not_found")
