"""Large exports and imports: bounded in memory and number, and nothing goes on for nobody."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from app.v4.config import IMPORT_BYTES, LARGEST_CONVERSATION, LARGEST_MESSAGE, MOST_MESSAGES
from tests.edge.raw_http import RawServer
from tests.support import PATIENCE, Server, running
from tests.v4.support import read
from tests.v4.transfers import JSON, PATH, bring, brought, listed, plain, taken

MIB = 1024 * 1024


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder: Path = tmp_path_factory.mktemp("large")
    with running(folder, {"SLLM_MODEL_PATH": "scripted"}) as started:
        yield started
    assert "Traceback" not in started.log


def rss(server: Server) -> int:
    return server.root().memory_info().rss


@pytest.fixture(scope="module")
def filled(server: Server) -> Server:
    """With 48 conversations of 1 MiB, of few words: indexing is not what is tested."""
    text = "x" * (350 * 1024)
    for _ in range(6):
        brought(server.http, *[plain(text, text, text) for _ in range(8)])
    return server


def settled(look: Callable[[], int]) -> int:
    """The value that stays for a while."""
    values = [look()]
    end = time.monotonic() + PATIENCE
    while len(values) < 10 or len({*values[-10:]}) > 1:
        assert time.monotonic() < end, values[-10:]
        time.sleep(0.05)
        values.append(look())
    return values[-1]


def test_an_export_holds_one_conversation_at_a_time(filled: Server) -> None:
    filled.http.get(f"{PATH}/export")
    before, most, size = rss(filled), 0, 0
    with filled.http.stream("GET", f"{PATH}/export") as answer:
        for piece in answer.iter_bytes():
            size += len(piece)
            most = max(most, rss(filled))
    assert size > 48 * MIB
    assert most - before < 24 * MIB


def test_an_export_stops_when_its_client_goes(filled: Server) -> None:
    """Afterwards, no more is read from the database."""

    def read_so_far() -> int:
        counted: int = filled.root().io_counters().read_chars
        return counted

    start = settled(read_so_far)
    filled.http.get(f"{PATH}/export")
    whole = settled(read_so_far) - start
    assert whole > 40 * MIB
    with filled.http.stream("GET", f"{PATH}/export") as answer:
        next(answer.iter_bytes())
    assert settled(read_so_far) - start - whole < whole // 2


def test_ten_thousand_messages_deep(server: Server) -> None:
    turns = [f"말 {number}" for number in range(10_000)]
    [id_] = brought(server.http, plain(*turns))
    assert [m["content"] for m in read(server, id_)["messages"]] == turns
    last = read(server, id_, message_page=100, message_page_size=100)
    assert (last["message_total"], last["message_pages"]) == (10_000, 100)
    assert [m["content"] for m in last["messages"]] == turns[-100:]
    assert listed(server.http, q="9999") == [id_]
    [copy] = brought(server.http, taken(server.http, id_))
    for each in (id_, copy):
        assert server.http.delete(f"{PATH}/{each}").status_code == 204
    assert listed(server.http, q="9999") == []


def test_bounds(server: Server) -> None:
    many = plain(*["x"] * (MOST_MESSAGES + 1))
    large = plain(*["x" * MIB] * (LARGEST_CONVERSATION // MIB + 1))
    message = {"mapping": {"a": {"message": {"author": {"role": "user"}, "content": {
        "parts": ["가" * (LARGEST_MESSAGE // 3 + 1)]}}}}}  # fmt: skip
    told = bring(server.http, [many, plain("good"), large, message])
    assert told["imported"] == 1
    limits = (MOST_MESSAGES, LARGEST_CONVERSATION, LARGEST_MESSAGE)
    for skipped, index, limit in zip(told["skipped"], (1, 3, 4), limits, strict=True):
        assert skipped["index"] == index
        assert str(limit) in skipped["reason"]


def test_the_body_has_a_limit_of_its_own(server: Server) -> None:
    just = b"[" + b" " * (IMPORT_BYTES - 2) + b"]"
    assert server.http.post(f"{PATH}/import", content=just, headers=JSON).status_code == 200
    head = {"Content-Length": str(IMPORT_BYTES + 1)}
    answer = RawServer(server.port).post(f"{PATH}/import", b"[", head)
    assert (answer.status, str(IMPORT_BYTES).encode() in answer.body) == (413, True)
    other = RawServer(server.port).post("/api/v4/chat", b"{", {"Content-Length": str(5 * MIB)})
    assert other.status == 413


@pytest.mark.parametrize(
    "body",
    [
        b"[" + b"{}," * (20 * MIB) + b"{}]",
        b"{}\n" * (20 * MIB),
        b"[" * (60 * MIB),
        b"[[" + b"[]," * (20 * MIB) + b"[]]]",
        b'["' + b'\\"' * (30 * MIB),
        b" " * (60 * MIB) + b"x",
        b"\n" * (60 * MIB) + b"x",
    ],
    ids=["items", "lines", "deep", "inner", "quotes", "blanks", "newlines"],
)
def test_a_body_made_to_hurt_is_refused_and_holds_nobody_up(server: Server, body: bytes) -> None:
    """Others are answered while it is looked at, and it does not grow on the way."""
    before, slow = rss(server), []
    done = threading.Event()

    def look() -> None:
        with httpx.Client(base_url=server.url, timeout=PATIENCE) as client:
            while not done.wait(0.05):
                slow.append(client.get("/health/live").status_code)

    watcher = threading.Thread(target=look)
    watcher.start()
    try:
        answer = server.http.post(f"{PATH}/import", content=body, headers=JSON)
    finally:
        done.set()
        watcher.join()
    assert answer.status_code in (400, 413)
    assert set(slow) <= {200}
    assert rss(server) - before < 300 * MIB


def test_a_client_that_leaves_ends_its_import(server: Server) -> None:
    """What was stored until then is whole; the rest is not worked on."""
    server.http.delete(PATH, params={"confirm": "all"})
    text = "떠난 사람의 말 " * 500
    count = 500
    body = b"\n".join(
        json.dumps(plain(text, text), ensure_ascii=False).encode() for _ in range(count)
    )
    assert len(body) < IMPORT_BYTES
    with RawServer(server.port).connect() as connection:
        fields = f"Host: x\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        fields = fields.replace("Host: x", "Host: localhost")
        connection.sendall(f"POST {PATH}/import HTTP/1.1\r\n{fields}".encode() + body)
        server.wait_until(lambda: bool(listed(server.http)))
    stored = settled(lambda: int(server.http.get(PATH).json()["total"]))
    assert 0 < stored < count
    assert {read(server, id_)["message_count"] for id_ in listed(server.http)} == {2}
