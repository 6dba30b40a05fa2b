"""Notices when an open server is reached from beyond this machine, and says so."""

import ipaddress
import logging
from functools import lru_cache

from starlette.types import ASGIApp, Receive, Scope, Send

logger = logging.getLogger("sllm.exposure")


class Exposure:
    """Sets `app.state.reached_beyond` at the first request that came to an address of this
    machine other than loopback, whatever the server was told to listen on."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self._told = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not self._told and scope["type"] == "http" and came_from_beyond(scope):
            self._told = True
            scope["app"].state.reached_beyond = True
            logger.warning(
                "this server is reached from beyond this machine and has no API keys: whoever "
                "reaches the port can use it. Make keys (sllm keys create) and set API_KEYS_FILE."
            )
        await self.app(scope, receive, send)


def came_from_beyond(scope: Scope) -> bool:
    """Whether the connection's own end is no loopback address; a UNIX socket is none."""
    server = scope.get("server")
    return server is not None and is_beyond(server[0])


@lru_cache(maxsize=64)
def is_beyond(host: str) -> bool:
    """Whether it is an address, and not a loopback one."""
    try:
        return not ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
