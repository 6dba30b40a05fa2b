"""Images from other hosts: only from those that the operator names, never from an address inside.

Whatever is wrong, the client hears the same words, after the same time: nothing can be learned
about a network from them.
"""

import asyncio
import ipaddress
import re
import socket
import ssl
from collections.abc import Awaitable, Callable, Sequence
from typing import Any
from urllib.parse import quote

import httptools
import psutil
from msgspec import Struct

from app.domain.errors import SllmError

SECONDS = 10.0
PORTS = {"http": 80, "https": 443}
LONGEST_URL = 2048
CHUNK = 64 * 1024
# Nothing but names of the DNS: no user, no port but the usual, no other spelling of an address.
URL = re.compile(
    r"(?P<scheme>https?)://(?P<host>[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?)(?::(?P<port>80|443))?"
    r"(?P<path>/[!-\"$-\[\]-~]*)?",
    re.IGNORECASE,
)
NUMERIC = re.compile(r"(?:[0-9]+|0x[0-9a-f]*)", re.IGNORECASE)
# Addresses that stand for others: NAT64, 6to4, Teredo.
TRANSLATED = tuple(map(ipaddress.ip_network, ("64:ff9b::/32", "2002::/16", "2001::/32")))

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]
Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
Connect = Callable[[str, int, str | None], Awaitable[Streams]]


class Target(Struct, frozen=True):
    """Where an address leads: `host` in lower case."""

    scheme: str
    host: str
    port: int
    path: str


class Fetcher:
    """Fetches from `hosts` (`*.example.com` covers subdomains, `*` every public host). The rest
    of the parameters are for tests."""

    def __init__(
        self,
        hosts: Sequence[str],
        most_bytes: int,
        seconds: float = SECONDS,
        resolve: Resolve | None = None,
        connect: Connect | None = None,
    ) -> None:
        self._hosts = frozenset(host.lower() for host in hosts)
        self._most_bytes = most_bytes
        self._seconds = seconds
        self._resolve = resolve or _resolve
        self._connect = connect or _connect

    async def fetch(self, url: str) -> bytes:
        """Raises SllmError `image_url_not_allowed`."""
        target = target_of(url)
        if target is None or not self._allows(target.host):
            raise _not_allowed()
        end = asyncio.get_running_loop().time() + self._seconds
        try:
            async with asyncio.timeout_at(end):
                return await self._fetch(target)
        except (OSError, TimeoutError, ssl.SSLError, _Unusable, httptools.HttpParserError):
            await asyncio.sleep(max(0.0, end - asyncio.get_running_loop().time()))
            raise _not_allowed() from None

    def _allows(self, host: str) -> bool:
        parents = (host[place:] for place, char in enumerate(host) if char == ".")
        named = host in self._hosts or any(f"*{parent}" in self._hosts for parent in parents)
        return bool(self._hosts) and (named or "*" in self._hosts)

    async def _fetch(self, target: Target) -> bytes:
        # Asked once: the address that was judged is the one that is connected to.
        addresses = await self._resolve(target.host, target.port)
        if not addresses or not all(map(is_public, addresses)):
            raise _Unusable
        name = target.host if target.scheme == "https" else None
        reader, writer = await self._connect(addresses[0], target.port, name)
        try:
            writer.write(_request(target))
            await writer.drain()
            return await _Answer(self._most_bytes).read(reader)
        finally:
            writer.close()


class _Unusable(Exception):
    """Whatever it was, it is no image for us."""


class _Answer:
    """Callbacks of the parser: an answer that is an image, whole and not too large."""

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._parser = httptools.HttpResponseParser(self)
        self._body = bytearray()
        self._headers: dict[bytes, bytes] = {}
        self._done = False

    async def read(self, reader: asyncio.StreamReader) -> bytes:
        seen = 0
        while not self._done:
            data = await reader.read(CHUNK)
            seen += len(data)
            if not data or seen > self._most_bytes + CHUNK:
                break
            self._parser.feed_data(data)
        if not self._done and (self._declares_end() or not self._body):
            raise _Unusable
        return bytes(self._body)

    def _declares_end(self) -> bool:
        """Whether an answer that just stops has lost something."""
        declared = b"content-length" in self._headers or b"transfer-encoding" in self._headers
        return declared or len(self._body) > self._most_bytes

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers[name.lower()] = value.lower()

    def on_headers_complete(self) -> None:
        kind = self._headers.get(b"content-type", b"")
        encoding = self._headers.get(b"content-encoding", b"identity")
        length = int(self._headers.get(b"content-length", b"0"))
        usable = kind.startswith(b"image/") and encoding == b"identity"
        if self._parser.get_status_code() != 200 or not usable or length > self._most_bytes:
            raise _Unusable

    def on_body(self, data: bytes) -> None:
        self._body += data
        if len(self._body) > self._most_bytes:
            raise _Unusable

    def on_message_complete(self) -> None:
        self._done = True


def target_of(url: str) -> Target | None:
    """None for whatever is not plainly the address of a public host."""
    found = URL.fullmatch(url) if len(url) <= LONGEST_URL else None
    if found is None:
        return None
    scheme, host = found["scheme"].lower(), found["host"].lower()
    labels = host.split(".")
    if "" in labels or len(labels) < 2 or NUMERIC.fullmatch(labels[-1]):
        return None
    port = PORTS[scheme]
    if found["port"] is not None and int(found["port"]) != port:
        return None
    return Target(scheme, host, port, quote(found["path"] or "/", safe="/?&=%:@!$'()*+,;~-._"))


def is_public(address: str) -> bool:
    """Whether it is of another machine, on the internet."""
    try:
        found: Address = ipaddress.ip_address(address)
    except ValueError:
        return False
    if isinstance(found, ipaddress.IPv6Address):
        if found.ipv4_mapped is not None or any(found in net for net in TRANSLATED):
            return False
        if found.scope_id is not None:
            return False
    usual = found.is_global and not (found.is_multicast or found.is_reserved)
    return usual and address not in _own_addresses()


def _own_addresses() -> set[str]:
    every = psutil.net_if_addrs().values()
    return {each.address.partition("%")[0] for addresses in every for each in addresses}


def _request(target: Target) -> bytes:
    head = (
        f"GET {target.path} HTTP/1.1\r\nHost: {target.host}\r\nUser-Agent: sllm\r\n"
        "Accept: image/png, image/jpeg, image/webp, image/gif\r\n"
        "Accept-Encoding: identity\r\nConnection: close\r\n\r\n"
    )
    return head.encode("ascii")


def _not_allowed() -> SllmError:
    return SllmError("image_url_not_allowed", param="images")


async def _resolve(host: str, port: int) -> Sequence[str]:
    loop = asyncio.get_running_loop()
    found: list[Any] = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(entry[4][0]) for entry in found]


async def _connect(address: str, port: int, tls_name: str | None) -> Streams:
    context = ssl.create_default_context() if tls_name else None
    return await asyncio.open_connection(
        address, port, ssl=context, server_hostname=tls_name, limit=CHUNK
    )
