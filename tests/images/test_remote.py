"""The guard of remote images: every spelling of an address inside is refused before anything is
connected to; nothing leaves this machine here, names are resolved by a table."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.errors import SllmError
from app.images import remote
from app.images.remote import Fetcher, Streams, is_public, target_of
from tests.images.samples import plain

SECONDS = 0.3
PUBLIC = "93.184.216.34"
IMAGE = b"HTTP/1.1 200 OK\r\nContent-Type: image/png\r\nContent-Length: %d\r\n\r\n" % len(plain())


class Canary:
    """A listener on loopback in place of the internet: who connects where, and what is said."""

    def __init__(self, names: dict[str, Sequence[str]], answer: bytes) -> None:
        self.names = names
        self.answer = answer
        self.asked: list[str] = []
        self.connected: list[tuple[str, int, str | None]] = []
        self.requests: list[bytes] = []
        self.slow = False
        self.served: list[asyncio.Task[None] | None] = []
        self.port = 0

    async def resolve(self, host: str, port: int) -> Sequence[str]:
        self.asked.append(host)
        if host not in self.names:
            raise OSError
        return self.names[host]

    async def connect(self, address: str, port: int, name: str | None) -> Streams:
        self.connected.append((address, port, name))
        return await asyncio.open_connection("127.0.0.1", self.port)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.served.append(asyncio.current_task())
        try:
            self.requests.append(await reader.readuntil(b"\r\n\r\n"))
        except asyncio.IncompleteReadError:  # on a busy machine its time was over before
            writer.close()
            return
        writer.write(self.answer[: 40 if self.slow else None])
        if self.slow:
            await reader.read()  # until the other side has had enough
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()


@asynccontextmanager
async def fetching(
    names: Mapping[str, Sequence[str]],
    answer: bytes = IMAGE + plain(),
    hosts: Sequence[str] = ("*",),
) -> AsyncIterator[tuple[Fetcher, Canary]]:
    canary = Canary(dict(names), answer)
    server = await asyncio.start_server(canary.serve, "127.0.0.1", 0)
    canary.port = server.sockets[0].getsockname()[1]
    async with server:
        yield Fetcher(hosts, 100_000, SECONDS, canary.resolve, canary.connect), canary
        await asyncio.gather(*filter(None, canary.served))


async def refused(fetcher: Fetcher, url: str) -> None:
    with pytest.raises(SllmError) as caught:
        await fetcher.fetch(url)
    error = caught.value
    assert (error.code, error.text, error.param) == ("image_url_not_allowed",) * 2 + ("images",)
    assert (error.details, error.values) == ({}, {})


async def test_an_image_of_a_listed_host_is_fetched() -> None:
    async with fetching({"ok.example": [PUBLIC]}, hosts=["ok.example"]) as (fetcher, canary):
        assert await fetcher.fetch("http://OK.example/a%20b.png?x=1") == plain()
        assert await fetcher.fetch("https://ok.example:443/") == plain()
    assert canary.connected == [(PUBLIC, 80, None), (PUBLIC, 443, "ok.example")]
    assert canary.requests[0].startswith(b"GET /a%20b.png?x=1 HTTP/1.1\r\nHost: ok.example\r\n")


async def test_nothing_is_fetched_where_no_host_is_listed() -> None:
    async with fetching({"ok.example": [PUBLIC]}, hosts=()) as (fetcher, canary):
        await refused(fetcher, "http://ok.example/")
    assert (canary.asked, canary.connected) == ([], [])


@pytest.mark.parametrize("host", ["other.example", "ok.example.evil", "xok.example", "example"])
async def test_other_hosts_are_not_even_asked_for(host: str) -> None:
    hosts = ["ok.example", "*.sub.example"]
    async with fetching({host: [PUBLIC]}, hosts=hosts) as (fetcher, canary):
        await refused(fetcher, f"http://{host}/")
        canary.names["a.sub.example"] = [PUBLIC]
        assert await fetcher.fetch("http://a.sub.example/") == plain()
    assert canary.asked == ["a.sub.example"]


SPELLINGS = [
    "http://127.0.0.1:8000/", "http://127.0.0.1/", "http://localhost/", "http://127.1/",
    "http://2130706433/", "http://0x7f.1/", "http://0x7f000001/", "http://0177.0.0.1/",
    "http://0.0.0.0/", "http://[::1]/", "http://[::]/", "http://[::ffff:127.0.0.1]/",
    "http://[::ffff:7f00:1]/", "http://[64:ff9b::7f00:1]/", "http://169.254.169.254/",
    "http://100.64.0.1/", "http://192.0.0.1/", "http://10.0.0.1/", "http://[fe80::1%25eth0]/",
    "http://a@127.0.0.1/", "http://a:b@ok.example/", "http://ok.example#@127.0.0.1/",
    "http://ok.example\\@127.0.0.1/", "http://127。0。0。1/", "http://①②⑦.0.0.1/",
    "file:///etc/passwd", "ftp://ok.example/", "gopher://ok.example/", "unix:/run/x.sock",
    "http://ok.example:22/", "http://ok.example:25/", "http://ok.example:8000/",
    "http://ok.example:443/", "https://ok.example:80/", "http://ok.example./", "http:///",
    "http://ok.example/\r\nHost: evil/", "http://ok.example/ x", " http://ok.example/",
    "http://ok.example/\n", "//ok.example/", "ok.example", "", "http://.example/",
    "http://ok..example/", "http://-.example/", "http://1.2.3.4.5/", "http://ok.example:080/",
    "http://ok.example/" + "x" * 3000, "http://ok.example/#x", "data:image/png;base64,AAAA",
]  # fmt: skip


@pytest.mark.parametrize("url", SPELLINGS)
async def test_no_other_spelling_of_an_address_is_connected_to(url: str) -> None:
    async with fetching({"ok.example": [PUBLIC]}) as (fetcher, canary):
        await refused(fetcher, url)
    assert canary.connected == []


INSIDE = [
    "127.0.0.1", "0.0.0.0", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254",
    "100.64.0.1", "192.0.0.1", "198.18.0.1", "224.0.0.1", "240.0.0.1", "255.255.255.255", "::1",
    "::", "::ffff:127.0.0.1", "::ffff:93.184.216.34", "64:ff9b::7f00:1", "2002:7f00:1::",
    "2001:0:7f00:1::", "fe80::1", "fe80::1%eth0", "fc00::1", "ff02::1", "2001:db8::1", "what?",
]  # fmt: skip


@pytest.mark.parametrize("address", INSIDE)
async def test_a_name_that_leads_inside_is_not_connected_to(address: str) -> None:
    names: dict[str, Sequence[str]] = {"ok.example": [address], "both.example": [PUBLIC, address]}
    async with fetching(names) as (fetcher, canary):
        await refused(fetcher, "http://ok.example/")
        await refused(fetcher, "http://both.example/")
    assert canary.connected == []


async def test_this_machine_s_own_address_is_inside(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote, "_own_addresses", lambda: {PUBLIC})
    assert not is_public(PUBLIC)
    assert is_public("93.184.216.35")
    assert is_public("2606:2800:220:1:248:1893:25c8:1946")


async def test_a_name_is_asked_once_and_the_address_judged_is_used() -> None:
    async with fetching({"ok.example": [PUBLIC]}) as (fetcher, canary):

        async def rebinding(host: str, port: int) -> Sequence[str]:
            first = not canary.asked
            canary.asked.append(host)
            return [PUBLIC] if first else ["127.0.0.1"]

        fetcher._resolve = rebinding
        assert await fetcher.fetch("http://ok.example/") == plain()
    assert canary.asked == ["ok.example"]
    assert canary.connected == [(PUBLIC, 80, None)]


def answer(head: str, body: bytes = b"") -> bytes:
    return f"HTTP/1.1 {head}\r\n\r\n".encode() + body


ANSWERS = {
    "302 inside": answer("302 Found\r\nLocation: http://127.0.0.1/\r\nContent-Length: 0"),
    "302 to a file": answer("302 Found\r\nLocation: file:///etc/passwd\r\nContent-Length: 0"),
    "404": answer("404 Not Found\r\nContent-Type: image/png\r\nContent-Length: 0"),
    "HTML": answer("200 OK\r\nContent-Type: text/html\r\nContent-Length: 2", b"hi"),
    "no type": answer("200 OK\r\nContent-Length: 2", b"hi"),
    "compressed": answer(
        "200 OK\r\nContent-Type: image/png\r\nContent-Encoding: gzip\r\nContent-Length: 2", b"hi"
    ),
    "1 GB": answer("200 OK\r\nContent-Type: image/png\r\nContent-Length: 1073741824", b"x"),
    "too much": answer("200 OK\r\nContent-Type: image/png", b"x" * 200_000),
    "too much in chunks": answer(
        "200 OK\r\nContent-Type: image/png\r\nTransfer-Encoding: chunked",
        b"8000\r\n" + b"x" * 0x8000 + b"\r\n8000\r\n" + b"x" * 0x8000 + b"\r\n",
    ),
    "cut": answer("200 OK\r\nContent-Type: image/png\r\nContent-Length: 100", b"x" * 50),
    "empty": b"",
    "not HTTP": b"SSH-2.0-OpenSSH_9.2\r\n",
    "endless head": b"HTTP/1.1 200 OK\r\n" + b"X: " + b"x" * 200_000,
}


@pytest.mark.parametrize("name", ANSWERS)
async def test_whatever_is_wrong_is_told_alike(name: str) -> None:
    async with fetching({"ok.example": [PUBLIC]}, ANSWERS[name]) as (fetcher, canary):
        await refused(fetcher, "http://ok.example/")
    assert len(canary.connected) == 1


async def test_a_host_that_never_ends_is_left() -> None:
    async with fetching({"ok.example": [PUBLIC]}) as (fetcher, canary):
        canary.slow = True
        await refused(fetcher, "http://ok.example/")


async def test_nothing_can_be_learned_from_the_time() -> None:
    """Refused by name, closed, and filtered: each takes the whole time."""
    async with fetching({"ok.example": [PUBLIC]}) as (fetcher, _):

        async def closed(address: str, port: int, name: str | None) -> Streams:
            raise ConnectionRefusedError

        clock = asyncio.get_running_loop().time
        fetcher._connect = closed
        for host in ("ok.example", "unknown.example"):
            begun = clock()
            await refused(fetcher, f"http://{host}/")
            assert clock() - begun >= SECONDS * 0.99


@given(st.ip_addresses())
def test_no_private_address_is_public(address: object) -> None:
    assert not is_public(str(address)) or getattr(address, "is_global")  # noqa: B009


@given(st.text(max_size=60))
def test_a_target_is_plain(text: str) -> None:
    for url in (text, f"http://{text}", f"http://ok.example/{text}"):
        target = target_of(url)
        if target is not None:
            assert target.host.isascii()
            assert not set(target.host + target.path) & set("\r\n\\#@ ") - {"@"}
            assert "@" not in target.host
            assert target.port in (80, 443)
