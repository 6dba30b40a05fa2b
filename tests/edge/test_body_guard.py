"""Bodies that are too large, too slow, or lie about themselves, over raw sockets."""

import socket

import pytest

from tests.edge.raw_http import RawServer, read_answer, request_bytes

CHAT = "/api/v1/chat"
JSON = {"Host": "localhost", "Content-Type": "application/json"}
BODY = b'{"message": "x"}'
LIMIT = 64 * 1024


def test_a_body_up_to_the_limit_arrives(server: RawServer) -> None:
    padding = b" " * (LIMIT - len(BODY))
    assert server.post(CHAT, BODY + padding).status == 200
    assert server.post(CHAT, BODY + padding + b" ").status == 413


def test_a_large_length_is_refused_before_the_body(server: RawServer) -> None:
    head = request_bytes("POST", CHAT, JSON | {"Content-Length": str(100 * 2**20)})
    answer = server.send(head)  # not one byte of the body follows
    assert answer.status == 413
    assert answer.headers["connection"] == "close"


def test_a_large_body_is_refused_although_it_is_being_sent(server: RawServer) -> None:
    assert server.post(CHAT, b" " * (100 * LIMIT)).status == 413


def test_chunks_are_counted(server: RawServer) -> None:
    head = request_bytes("POST", CHAT, JSON | {"Transfer-Encoding": "chunked"})
    chunk = b"1000\r\n" + b" " * 0x1000 + b"\r\n"
    answer = server.send(head + chunk * 17)  # and no end
    assert answer.status == 413
    assert answer.headers["connection"] == "close"


def test_chunks_within_the_limit_arrive(server: RawServer) -> None:
    head = request_bytes("POST", CHAT, JSON | {"Transfer-Encoding": "chunked"})
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in (BODY[:5], BODY[5:]))
    assert server.send(head + chunks + b"0\r\n\r\n").status == 200


def test_a_body_that_never_ends_is_given_up(server: RawServer) -> None:
    head = request_bytes("POST", CHAT, JSON | {"Content-Length": "1000"})
    answer = server.send(head + BODY)
    assert answer.status == 408
    assert b"request_timeout" in answer.body
    assert answer.headers["connection"] == "close"


def test_drops_keep_no_body_open(server: RawServer) -> None:
    """Bytes that go on arriving do not move the deadline."""
    head = request_bytes("POST", CHAT, JSON | {"Content-Length": "100000000"[:4]})
    with server.connect() as connection:
        connection.sendall(head)
        connection.settimeout(0.01)
        answered = False
        while not answered:
            connection.sendall(b" ")
            try:
                answered = bool(connection.recv(1, socket.MSG_PEEK))
            except TimeoutError:
                continue
        connection.settimeout(10)
        assert read_answer(connection).status == 408


@pytest.mark.parametrize(
    "lengths",
    [
        ["5", "16"],
        ["-1"],
        ["+16"],
        ["16, 16"],
        ["x"],
        ["1" * 400],
        ["0x10"],
        [""],
    ],
)
def test_lengths_that_are_none(server: RawServer, lengths: list[str]) -> None:
    head = request_bytes("POST", CHAT, JSON).removesuffix(b"\r\n")
    fields = "".join(f"Content-Length: {length}\r\n" for length in lengths).encode()
    assert server.send(head + fields + b"\r\n" + BODY).status in (400, 413, 415)


def test_length_and_chunks_together_are_refused(server: RawServer) -> None:
    fields = {"Content-Length": "16", "Transfer-Encoding": "chunked"}
    assert server.send(request_bytes("POST", CHAT, JSON | fields) + BODY).status == 400


@pytest.mark.parametrize("size", ["-1", "zz", "FFFFFFFFFFFFFFFFFFFF"])
def test_chunks_that_are_none(server: RawServer, size: str) -> None:
    head = request_bytes("POST", CHAT, JSON | {"Transfer-Encoding": "chunked"})
    assert server.send(head + f"{size}\r\n".encode() + BODY).status == 400


def test_a_length_that_is_too_short_reads_no_further(server: RawServer) -> None:
    fields = JSON | {"Content-Length": str(len(BODY) - 1), "Connection": "close"}
    answer = server.send(request_bytes("POST", CHAT, fields) + BODY)
    assert answer.status == 400
    assert b"invalid_json" in answer.body


def test_requests_may_follow_each_other_unread(server: RawServer) -> None:
    """Answers come in order, whatever each was, and never mix."""
    bodies = [BODY, b"{", b'{"message": "y", "max_tokens": 3}', b"[]"] * 20
    wanted = [200, 400, 200, 422] * 20
    data = b"".join(
        request_bytes("POST", CHAT, JSON | {"Content-Length": str(len(body))}) + body
        for body in bodies
    )
    with server.connect() as connection:
        connection.sendall(data)
        assert [read_one(connection) for _ in bodies] == wanted


def read_one(connection: socket.socket) -> int:
    """The status of the next answer; not one byte more is taken."""
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        head += connection.recv(1)
    length = next(
        int(line.split(b":")[1])
        for line in head.split(b"\r\n")
        if line.lower().startswith(b"content-length")
    )
    left = length
    while left:
        left -= len(connection.recv(left))
    return int(head.split()[1])


def test_an_answer_to_an_unread_body_leaves_the_connection_in_order(server: RawServer) -> None:
    """A 415 is answered before the body is read; the next request is still understood."""
    fields = {"Host": "localhost", "Content-Type": "text/plain", "Content-Length": "30000"}
    good = request_bytes("POST", CHAT, JSON | {"Content-Length": str(len(BODY))}) + BODY
    with server.connect() as connection:
        connection.sendall(request_bytes("POST", CHAT, fields))
        assert read_one(connection) == 415
        connection.sendall(b" " * 30000 + good)
        assert read_one(connection) == 200
