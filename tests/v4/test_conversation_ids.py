"""Ids that are none, as raw bytes: 404 or 422 on both databases, and no file is touched."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.edge.raw_http import RawServer, request_bytes
from tests.support import Server, running
from tests.v4.transfers import brought, listed, plain, taken

PATH = "/api/v4/conversations"
ODD = [
    "..", "%2e%2e%2f", "..%5c", "%252e%252e%252f", "a%2fb", "%00", "a%00.json", "CON",
    "%EF%BD%81", "%E2%84%AA", "%C0%AE", "x" * 256, "-rf", "%20", ";drop", "'", "%F0%9F%98%80",
    "%E2%80%AEabc", "%ff", "%ED%A0%80", "conv_", "conv_%00" + "0" * 31, "conv_" + "0" * 31,
    "conv_" + "0" * 33, "conv_" + "G" * 32, "conv_" + "%EF%BC%90" * 32, "msg_" + "0" * 32,
    "conv_" + "0" * 32 + "%0a", "export%2f", "import", "null", "1", "0" * 5000,
]  # fmt: skip
USES = [
    ("GET", ""), ("DELETE", ""), ("PATCH", ""), ("GET", "/export"), ("GET", "/messages/msg_1"),
    ("PATCH", "/messages/msg_1"), ("POST", "/messages/msg_1/regenerate"),
]  # fmt: skip
BODIES = {"": b'{"title": "x"}', "/messages/msg_1": b'{"content": "x"}'}


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    folder: Path = tmp_path_factory.mktemp("ids")
    settings = {"SLLM_MODEL_PATH": "scripted"}
    if request.param == "postgresql":
        settings["DATABASE_URL"] = request.getfixturevalue("postgresql_server").fresh()
    with running(folder, settings) as started:
        yield started
    assert "Traceback" not in started.log


def sent(server: Server, method: str, path: str, body: bytes = b"") -> tuple[int, bytes]:
    fields = {"Host": "localhost", "Content-Length": str(len(body))}
    fields |= {"Content-Type": "application/json"} if body else {}
    answer = RawServer(server.port).send(request_bytes(method, path, fields) + body)
    return answer.status, answer.body


@pytest.mark.parametrize("odd", ODD, ids=lambda odd: odd[:24])
def test_an_id_that_is_none(server: Server, odd: str) -> None:
    for method, rest in USES:
        body = BODIES.get(rest, b"") if method == "PATCH" else b""
        status, answer = sent(server, method, f"{PATH}/{odd}{rest}", body)
        # `import` is a route that takes POST alone.
        assert status in (404, 422) or (status == 405 and odd in ("..", "import")), (method, status)
        assert b"/tmp" not in answer
        assert len(answer) < 1024


@pytest.mark.parametrize("odd", ODD, ids=lambda odd: odd[:24])
def test_a_message_s_id_that_is_none(server: Server, odd: str) -> None:
    [id_] = brought(server.http, plain("x"))
    for method, rest in (("GET", ""), ("PATCH", ""), ("POST", "/regenerate")):
        body = b'{"content": "x"}' if method == "PATCH" else b""
        status, _ = sent(server, method, f"{PATH}/{id_}/messages/{odd}{rest}", body)
        assert status in (404, 405, 422), (method, status)
    assert server.http.delete(f"{PATH}/{id_}").status_code == 204


def test_an_id_in_other_letters_is_another_id(server: Server) -> None:
    [id_] = brought(server.http, plain("x"))
    assert server.http.get(f"{PATH}/{id_}").status_code == 200
    for other in (id_.upper(), id_.replace("conv", "Conv"), f"{id_}%20", f"%20{id_}", f"{id_}/"):
        if other != id_:
            assert sent(server, "GET", f"{PATH}/{other}")[0] == 404, other


def test_the_same_on_both(server: Server) -> None:
    """NUL, surrogates and odd letters in what is stored: the same answers, the same texts."""
    odd = "e\u0301 \u202e 😀 \ue000 ﷺ \uffff 'x' \\ %"
    [id_] = brought(server.http, plain(odd, title=odd, metadata={odd[:60]: odd}))
    exported = taken(server.http, id_)
    assert (exported["title"], exported["metadata"]) == (odd, {odd[:60]: odd})
    assert exported["messages"][0]["content"] == odd
    assert listed(server.http, **{f"metadata.{odd[:60]}": odd}) == [id_]
    for body in (b'{"title": "a\\u0000b"}', b'{"metadata": {"k": "\\ud800"}}'):
        assert sent(server, "PATCH", f"{PATH}/{id_}", body)[0] == 400
    for query in ("q=%00", "metadata.k=%00", "metadata.%00=x"):
        assert sent(server, "GET", f"{PATH}?{query}")[0] in (400, 422)
    for query in ("q=%ED%A0%80", "q=%ff", "metadata.%ff=x"):
        assert sent(server, "GET", f"{PATH}?{query}")[0] == 200
