"""Answers only under names that are this machine's: a defence against DNS rebinding."""

import ipaddress
import re
import socket
from collections.abc import Iterable
from functools import lru_cache

from starlette.types import ASGIApp, Receive, Scope, Send

from app.domain.errors import SllmError
from app.edge.refusal import refuse

HOST = re.compile(r"(?P<name>\[[0-9A-Fa-f:.]{2,45}\]|[A-Za-z0-9._-]{1,253})(?::(?P<port>\d{1,5}))?")
LOCAL_SUFFIXES = (".localhost", ".local", ".internal")
SHARED_ADDRESSES = ipaddress.ip_network("100.64.0.0/10")


class HostGuard:
    """Refuses (403) a Host header that is absent, doubled, malformed or of somebody else.

    `allowed` adds to the built-in names; `*.example.com` covers subdomains, `*` everything.
    """

    def __init__(self, app: ASGIApp, allowed: Iterable[str] = ()) -> None:
        self.app = app
        self.names = frozenset(map(plain_name, allowed)) | machine_names()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and not self.allows(scope):
            await refuse(scope, receive, send, SllmError("forbidden_host"))
            return
        await self.app(scope, receive, send)

    def allows(self, scope: Scope) -> bool:
        """Whether the request's one Host header may be answered."""
        hosts = [value for name, value in scope["headers"] if name == b"host"]
        match = HOST.fullmatch(hosts[0].decode("latin-1")) if len(hosts) == 1 else None
        return match is not None and self.allows_name(plain_name(match["name"]))

    def allows_name(self, name: str) -> bool:
        """Whether `name`, lower case and without port, is ours."""
        if "*" in self.names or name in self.names or name.endswith(LOCAL_SUFFIXES):
            return True
        if is_own_address(name):
            return True
        parents = (name[place:] for place, char in enumerate(name) if char == ".")
        return any(f"*{parent}" in self.names for parent in parents)


def plain_name(host: str) -> str:
    """A host as it is compared: no port, no root dot, no case."""
    match = HOST.fullmatch(host.strip())
    name = match["name"] if match else host.strip()
    return name.lower().removesuffix(".").strip("[]")


def machine_names() -> frozenset[str]:
    """The names this machine knows for itself, without asking DNS."""
    name = socket.gethostname().lower()
    return frozenset({"localhost", name, name.partition(".")[0]}) - {""}


@lru_cache(maxsize=64)
def is_own_address(name: str) -> bool:
    """Whether `name` is an address of this machine or its own network.

    No site can point a name of its own at an address literal, so these are safe by nature.
    """
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    address = mapped or address
    return address.is_private or address.is_loopback or address in SHARED_ADDRESSES
