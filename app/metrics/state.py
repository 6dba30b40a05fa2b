"""What `/health` knows of the server, for a scrape."""

from msgspec import Struct


class ServerState(Struct, frozen=True):
    """`database` is its status, `kind` sqlite or postgresql."""

    ready: bool
    draining: bool
    database: str
    kind: str
