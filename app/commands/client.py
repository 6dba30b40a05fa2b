"""A client of a running server: JSON requests and streams over its public API."""

import ipaddress
import json
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from typing import Any, Self

import httpx2

from app.commands.words import language

CONNECT_SECONDS = 5.0
# Streams say something every ten seconds, if only a comment.
READ_SECONDS = 120.0
Event = tuple[str, dict[str, Any]]


class ApiError(Exception):
    """The server refused; `code` and `str()` are its own words, `details` its own values."""

    def __init__(self, status: int, error: dict[str, Any]) -> None:
        self.status = status
        self.code = str(error.get("code", "unknown"))
        self.details: dict[str, Any] = error.get("details") or {}
        super().__init__(_told(error, self.details) or f"HTTP {status}")


class UnreachableError(Exception):
    """Nobody answers at that address, or the connection broke."""


class Client:
    """One server. Every method raises ApiError and UnreachableError."""

    def __init__(self, url: str, key: str | None = None) -> None:
        self.url = url.rstrip("/")
        headers = {"Accept": "application/json", "Accept-Language": language()}
        if key:
            headers["Authorization"] = f"Bearer {key}"
        self._http = httpx2.Client(
            headers=headers,
            timeout=httpx2.Timeout(READ_SECONDS, connect=CONNECT_SECONDS),
            # A proxy of the company is not asked for this machine.
            trust_env=not _is_loopback(self.url),
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def is_there(self, seconds: float = 2.0) -> bool:
        """Whether it is a server of this kind that answers; never raises."""
        try:
            answer = self._http.get(f"{self.url}/health/live", timeout=seconds)
        except (httpx2.HTTPError, httpx2.InvalidURL):
            return False
        return answer.status_code == 200 and answer.headers.get("x-request-id", "")[:4] == "req_"

    def get(self, path: str, **query: Any) -> Any:
        return self._json("GET", path, params=query)

    def patch(self, path: str, body: dict[str, Any]) -> Any:
        return self._json("PATCH", path, json=body)

    def health(self) -> dict[str, Any]:
        """`/health`, whatever its status."""
        with _reached(self.url):
            answer = self._http.get(f"{self.url}/health")
        if answer.status_code in (200, 503):
            body: dict[str, Any] = _body(answer)
            return body
        raise ApiError(answer.status_code, _error(answer))

    def text(self, path: str, **query: Any) -> str:
        """A document that is not JSON, or not to be looked into."""
        with _reached(self.url):
            answer = self._http.get(self.url + path, params=query)
        if answer.status_code >= 400:
            raise ApiError(answer.status_code, _error(answer))
        return answer.text

    def stream(self, path: str, body: dict[str, Any]) -> Generator[Event]:
        """The events of a streamed answer; leaving early ends it on the server, too. An `error`
        event is raised as ApiError."""
        with (
            _reached(self.url),
            self._http.stream("POST", self.url + path, json=body) as answer,
        ):
            if answer.status_code >= 400:
                answer.read()
                raise ApiError(answer.status_code, _error(answer))
            for name, data in _events(answer.iter_lines()):
                if name == "error":
                    raise ApiError(200, data["error"])
                yield name, data

    def _json(self, method: str, path: str, **options: Any) -> Any:
        with _reached(self.url):
            answer = self._http.request(method, self.url + path, **options)
        if answer.status_code >= 400:
            raise ApiError(answer.status_code, _error(answer))
        return _body(answer)


@contextmanager
def _reached(url: str) -> Iterator[None]:
    """Failures of the connection become UnreachableError."""
    try:
        yield
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        raise UnreachableError(url) from error


def _events(lines: Iterator[str]) -> Generator[Event]:
    """Server-sent events with JSON data on one line, as this server writes them."""
    name = ""
    for line in lines:
        if line.startswith("event: "):
            name = line.removeprefix("event: ")
        elif line.startswith("data: "):
            yield name, json.loads(line.removeprefix("data: "))


def _body(answer: httpx2.Response) -> Any:
    try:
        return answer.json()
    except ValueError:
        raise UnreachableError(str(answer.url)) from None


def _error(answer: httpx2.Response) -> dict[str, Any]:
    """The error object; what another server sent in its place is passed over."""
    try:
        found = answer.json()
    except ValueError:
        return {}
    error = found.get("error") if isinstance(found, dict) else None
    return error if isinstance(error, dict) else {}


def _told(error: dict[str, Any], details: dict[str, Any]) -> str:
    """The message, with the field of each mistake."""
    wrong = [f"{each['field']}: {each['reason']}" for each in details.get("errors", [])]
    available = details.get("available")
    named = [", ".join(map(str, available))] if isinstance(available, list) else []
    return " ".join([str(error.get("message", "")), *wrong, *named]).strip()


def _is_loopback(url: str) -> bool:
    try:
        host = httpx2.URL(url).host
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except (ValueError, httpx2.InvalidURL):
        return False
