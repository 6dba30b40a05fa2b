"""Tells systemd that the port is open (Type=notify); elsewhere nothing happens."""

import os
import socket


def ready() -> None:
    """Once. Processes started afterwards do not see the address, and cannot speak for us."""
    address = os.environ.pop("NOTIFY_SOCKET", "")
    if not address:
        return
    abstract = address.startswith("@")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
        notify.connect("\0" + address[1:] if abstract else address)
        notify.sendall(b"READY=1")
