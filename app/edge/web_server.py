"""uvicorn's server, which looks for garbage again once it has started (app/serve.py)."""

import gc
import socket

from uvicorn import Server


class WebServer(Server):
    """What is there when it has started stays: no collection needs to look at that."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        gc.freeze()
        gc.enable()
