"""Routes behind `StrictRoute`: media types, bodies, and errors in the house's shape."""

import json
from collections.abc import Iterator

import pytest
from starlette.testclient import TestClient

from tests.edge.small_app import small_app

CHAT = "/api/v1/chat"


@pytest.fixture(scope="module")
def client() -> Iterator[TestClient]:
    # Crashes are answers here, as for a client; the server's log has the traceback.
    app = small_app()
    with TestClient(app, base_url="http://localhost", raise_server_exceptions=False) as client:
        yield client


def test_a_chat_arrives(client: TestClient) -> None:
    answer = client.post(CHAT, json={"message": "안녕", "history": [], "max_tokens": 7})
    assert answer.json() == {"messages": 1, "max_tokens": 7, "newest": "안녕"}
    assert answer.headers["X-Request-ID"].startswith("req_")


def test_errors_name_the_field_and_never_the_input(client: TestClient) -> None:
    answer = client.post(CHAT, json={"message": "hi", "max_tokens": "hunter2"})
    error = answer.json()["error"]
    assert answer.status_code == 422
    assert error["code"] == "invalid_request"
    assert error["param"] == "max_tokens"
    reasons = [{"field": "max_tokens", "reason": "Must be a whole number."}]
    assert error["details"] == {"errors": reasons}
    assert error["request_id"] == answer.headers["X-Request-ID"]
    assert "hunter2" not in answer.text


def test_errors_speak_korean(client: TestClient) -> None:
    headers = {"Accept-Language": "ko-KR,ko;q=0.9,en;q=0.8"}
    answer = client.post(CHAT, json={"message": "hi", "top_k": 0.5}, headers=headers)
    assert answer.json()["error"]["details"]["errors"][0]["reason"] == "정수여야 합니다."
    assert answer.headers["Content-Language"] == "ko"


def test_no_more_errors_than_anybody_reads(client: TestClient) -> None:
    fields = {f"unknown{number}": 1 for number in range(900)}
    answer = client.post(CHAT, json={"message": "hi", **fields})
    assert answer.status_code == 422
    assert len(answer.json()["error"]["details"]["errors"]) == 20


def test_made_up_field_names_are_not_repeated(client: TestClient) -> None:
    answer = client.post(CHAT, json={"message": "hi", "<script>alert(1)</script>": 1})
    assert answer.json()["error"]["details"]["errors"][0]["field"] == "?"
    assert "script" not in answer.text


@pytest.mark.parametrize("path", ["/nowhere", "/api/v1/nowhere", "/api/v1//chat", "/v1/nowhere"])
def test_nothing_here(client: TestClient, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 404
    assert answer.json()["error"]["code"] == "not_found"


def test_wrong_method_lists_the_right_ones(client: TestClient) -> None:
    answer = client.put(CHAT)
    assert answer.status_code == 405
    assert answer.headers["Allow"] == "POST"
    assert answer.json()["error"]["code"] == "method_not_allowed"


@pytest.mark.parametrize(
    "code", ["rate_limited", "model_loading", "model_unavailable", "overloaded", "engine_died"]
)
def test_try_again_says_when(client: TestClient, code: str) -> None:
    answer = client.get(f"/api/v1/fail/{code}")
    assert answer.status_code in (429, 503)
    assert int(answer.headers["Retry-After"]) >= 1


def test_a_bug_tells_nothing_but_its_id(
    client: TestClient, caplog: pytest.LogCaptureFixture
) -> None:
    answer = client.get("/api/v1/bug")
    error = answer.json()["error"]
    assert answer.status_code == 500
    assert error["code"] == "internal_error"
    assert "hunter2" not in answer.text
    assert answer.headers["X-Request-ID"] == error["request_id"]
    assert error["request_id"] in caplog.text


def test_query_and_path_errors_name_their_parameter(client: TestClient) -> None:
    assert client.get("/api/v1/number/x").json()["error"]["param"] == "number"
    assert client.get("/api/v1/number/1?limit=x").json()["error"]["param"] == "limit"
    assert client.get("/api/v1/number/1?limit=2").json() == 3


def test_the_openai_routes_have_openai_errors(client: TestClient) -> None:
    error = client.get("/v1/nowhere").json()["error"]
    assert set(error) == {"message", "type", "param", "code"}
    assert error["type"] == "invalid_request_error"


def test_a_client_may_choose_the_request_id(client: TestClient) -> None:
    for given, kept in (("a.b_C-1", True), ("x" * 64, True), ("x" * 65, False), ("a b", False)):
        answer = client.get("/nowhere", headers={"X-Request-ID": given})
        assert (answer.headers["X-Request-ID"] == given) is kept


def test_pages_and_data_have_their_policies(client: TestClient) -> None:
    page, data = client.get("/docs"), client.get("/openapi.json")
    assert "default-src 'self'" in page.headers["Content-Security-Policy"]
    assert "script-src" not in page.headers["Content-Security-Policy"]
    assert data.headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert page.headers["X-Content-Type-Options"] == data.headers["X-Content-Type-Options"]


def test_json_is_read_strictly_only_where_json_is_wanted(client: TestClient) -> None:
    body = json.dumps({"message": "x"})
    form = client.post("/api/v1/form", content=body, headers={"Content-Type": "application/json"})
    assert form.status_code == 422
