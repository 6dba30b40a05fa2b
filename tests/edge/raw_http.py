"""A real uvicorn on a free loopback port, and requests as raw bytes, which no client tidies."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

import uvicorn
from starlette.types import ASGIApp

PATIENCE = 20.0


@dataclass(frozen=True)
class Answer:
    """A parsed HTTP/1.1 answer."""

    status: int
    headers: dict[str, str]
    body: bytes
    raw: bytes


@dataclass(frozen=True)
class RawServer:
    """Where a server listens."""

    port: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE)

    def send(self, data: bytes) -> Answer:
        """Send `data`, and read one answer; the connection ends with it."""
        with self.connect() as connection:
            # It may answer before it has read everything; the answer is what counts.
            with suppress(BrokenPipeError, ConnectionResetError):
                connection.sendall(data)
            return read_answer(connection)

    def post(
        self, path: str, body: bytes, headers: dict[str, str] | None = None, host: str = "localhost"
    ) -> Answer:
        """A POST with a right Content-Length."""
        fields = {"Host": host, "Content-Type": "application/json"}
        fields |= {"Content-Length": str(len(body)), **(headers or {})}
        return self.send(request_bytes("POST", path, fields) + body)


def request_bytes(method: str, path: str, fields: dict[str, str]) -> bytes:
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in fields.items())]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("utf-8")


def read_answer(connection: socket.socket) -> Answer:
    """One answer with a Content-Length, or up to the connection's end."""
    raw = b""
    while b"\r\n\r\n" not in raw:
        raw += _some(connection, raw)
    head, _, body = raw.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    length = int(headers.get("content-length", "0"))
    while len(body) < length:
        body += _some(connection, raw)
    return Answer(int(first.split()[1]), headers, body[:length], raw)


def _some(connection: socket.socket, so_far: bytes) -> bytes:
    data = connection.recv(65536)
    if not data:
        raise ConnectionError(f"closed after {so_far[:200]!r}")
    return data


@contextmanager
def running(app: ASGIApp) -> Iterator[RawServer]:
    """Serve `app` until the block ends. The socket listens before the server does: no waiting."""
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(app, http="httptools", ws="none", log_config=None, access_log=False)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        yield RawServer(listener.getsockname()[1])
    finally:
        server.should_exit = True
        thread.join()
        listener.close()
