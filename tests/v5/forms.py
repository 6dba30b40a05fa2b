"""Forms byte by byte, as no library would send them."""

import secrets

import httpx

from tests.images.samples import plain
from tests.support import Server
from tests.v5.support import CHAT

MESSAGE = ("message", b"what?", "")
Part = tuple[str, bytes, str]


def form(*parts: Part, end: bytes = b"--") -> tuple[bytes, dict[str, str]]:
    """A form of (name, data, what follows the name in the part's head)."""
    boundary = secrets.token_hex(8)
    body = b"".join(
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"{rest}\r\n\r\n'.encode()
        + data
        + b"\r\n"
        for name, data, rest in parts
    )
    head = {"Content-Type": f"multipart/form-data; boundary={boundary}"}
    return body + f"--{boundary}".encode() + end, head


def send(server: Server, *parts: Part, end: bytes = b"--") -> httpx.Response:
    body, headers = form(*parts, end=end)
    return server.http.post(CHAT, content=body, headers=headers)


def file(name: str = "a.png", data: bytes | None = None) -> Part:
    return ("image", plain() if data is None else data, f'; filename="{name}"')
