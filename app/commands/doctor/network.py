"""How the server would be reached: its port, who has it now, and who may come in."""

import ipaddress
from collections.abc import Iterator

import psutil

from app.commands.client import Client
from app.commands.doctor.finding import Finding, fail, ok, warn
from app.commands.words import say
from app.config import Settings
from app.serve import ServeError, listen

EVERYWHERE = ("0.0.0.0", "::")  # noqa: S104 - compared, not bound


def port(settings: Settings) -> Finding:
    """Free, or taken by a server of this kind, or by a stranger, who is named where the system
    tells."""
    if settings.port == 0:
        return ok("port", "doctor_port_any")
    values = {"host": settings.host, "port": settings.port}
    try:
        listen(settings.host, settings.port).close()
    except ServeError as error:
        with Client(_address(settings)) as client:
            if client.is_there():
                return ok("port", "doctor_port_ours", **values)
        taken = _holder(settings.port)
        if taken is None:
            return Finding("port", "fail", str(error), _elsewhere(settings.port))
        return fail("port", "doctor_port_taken", _elsewhere(settings.port), who=taken, **values)
    return ok("port", "doctor_port_free", **values)


def exposure(settings: Settings) -> Iterator[Finding]:
    beyond = not _is_loopback(settings.host)
    if beyond and settings.api_keys_file is None:
        command = "sllm keys create --file keys.json && API_KEYS_FILE=keys.json sllm serve"
        yield warn("exposure", "doctor_exposed", command, host=settings.host)
    else:
        key = "doctor_exposure_keys" if beyond else "doctor_exposure_local"
        yield ok("exposure", key, host=settings.host)
    if "*" in settings.allowed_hosts:
        yield warn("allowed_hosts", "doctor_any_host", say("doctor_fix_any_host"))
    if "*" in settings.cors_origins:
        yield warn("cors_origins", "doctor_any_origin", say("doctor_fix_any_origin"))


def _address(settings: Settings) -> str:
    host = "127.0.0.1" if settings.host in EVERYWHERE else settings.host
    return f"http://{f'[{host}]' if ':' in host else host}:{settings.port}"


def _holder(number: int) -> str | None:
    """The program that listens on the port; None where the system does not tell this user."""
    try:
        found = [
            each.pid
            for each in psutil.net_connections("tcp")
            if each.status == psutil.CONN_LISTEN
            and tuple(each.laddr)[1:2] == (number,)
            and each.pid
        ]
        return f"{psutil.Process(found[0]).name()} ({found[0]})" if found else None
    except psutil.Error:
        return None


def _elsewhere(number: int) -> str:
    return f"PORT={number + 1 if number < 65_535 else number - 1} sllm serve"


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
