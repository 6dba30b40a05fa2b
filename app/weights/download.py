"""One file over HTTP: resumed by ranges after any interruption, checked by its hash.

Knows neither indexes nor hubs, and not where the file goes in the end.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Final

import httpx2

from app.weights.errors import SourceFailedError
from app.weights.store import sha256_of
from app.weights.task import Task

ATTEMPTS: Final = 5
BACKOFF_SECONDS: Final = 0.5
RETRIED: Final = frozenset({408, 425, 429, 500, 502, 503, 504})


@dataclass(frozen=True)
class Remote:
    """`name` is for people. `sha256` is what the index says, None if it does not; `limit` the
    most bytes that may come; `headers` go to the first host only."""

    url: str
    name: str
    sha256: str | None
    limit: int
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def host(self) -> str:
        return httpx2.URL(self.url).host


class _TryAgainError(Exception):
    """A passing fault; `failure` is what to say when it does not pass."""

    def __init__(self, failure: SourceFailedError) -> None:
        self.failure = failure


def download(client: httpx2.Client, remote: Remote, target: Path, task: Task) -> None:
    """Fetch `remote` to `target`, by way of `<target>.part`, which is kept for the next time.

    Raises SourceFailedError, CancelledError, and OSError of the disk.
    """
    part = target.with_name(target.name + ".part")
    resumed = _size(part) > 0
    _fill(client, remote, part, task)
    if resumed and not _is_right(remote, part, task):
        # The file has changed since it was begun, and the server did not say so.
        _discard(part)
        _fill(client, remote, part, task)
    if not _is_right(remote, part, task):
        _discard(part)
        raise SourceFailedError("weights_bad_hash", host=remote.host, name=remote.name)
    part.replace(target)
    _discard(part)


def _is_right(remote: Remote, part: Path, task: Task) -> bool:
    return remote.sha256 is None or sha256_of(part, task) == remote.sha256


def _fill(client: httpx2.Client, remote: Remote, part: Path, task: Task) -> None:
    """Until the server has no more. Attempts that brought something do not count."""
    failures = 0
    while True:
        before = _size(part)
        try:
            return _attempt(client, remote, part, task)
        except _TryAgainError as error:
            failures = 1 if _size(part) > before else failures + 1
            if failures >= ATTEMPTS:
                raise error.failure from error
            task.pause(BACKOFF_SECONDS * 2 ** (failures - 1))


def _attempt(client: httpx2.Client, remote: Remote, part: Path, task: Task) -> None:
    names = {"host": remote.host, "file": remote.name}
    try:
        with client.stream("GET", remote.url, headers=_headers(remote, part)) as response:
            _receive(response, remote, part, task)
    except (httpx2.ConnectError, httpx2.ConnectTimeout) as error:
        raise _TryAgainError(SourceFailedError("weights_unreachable", **names)) from error
    except httpx2.TransportError as error:
        raise _TryAgainError(SourceFailedError("weights_interrupted", **names)) from error
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        raise SourceFailedError("weights_unreachable", **names) from error


def _headers(remote: Remote, part: Path) -> dict[str, str]:
    # Compressed on the way, ranges would count other bytes than the file's.
    headers = {**remote.headers, "Accept-Encoding": "identity"}
    if have := _size(part):
        headers["Range"] = f"bytes={have}-"
        if tag := _tag(part):
            headers["If-Range"] = tag
    return headers


def _receive(response: httpx2.Response, remote: Remote, part: Path, task: Task) -> None:
    have = _size(part)
    if response.status_code == 416:
        return _settle_416(response, remote, part, have)
    _refuse(response, remote)
    start = have if _continues(response, have) else 0
    if not start:
        _remember_tag(response, part)
    length = response.headers.get("Content-Length", "")
    total = start + int(length) if length.isdigit() else None
    with part.open("ab" if start else "wb") as file:
        _copy(response, file, _Count(remote, start, total), task)
    return None


def _refuse(response: httpx2.Response, remote: Remote) -> None:
    names: dict[str, str | int] = {"host": remote.host, "file": remote.name}
    status = response.status_code
    if status in RETRIED:
        raise _TryAgainError(SourceFailedError("weights_server_error", status=status, **names))
    if status in (401, 403):
        raise SourceFailedError("weights_refused", status=status, **names)
    if status not in (200, 206):
        raise SourceFailedError("weights_server_error", status=status, **names)
    if response.headers.get("Content-Type", "").startswith("text/html"):
        raise SourceFailedError("weights_not_a_wheel", **names)


def _continues(response: httpx2.Response, have: int) -> bool:
    if response.status_code != 206:
        return False
    span = re.match(r"bytes (\d+)-", response.headers.get("Content-Range", ""))
    return span is not None and int(span[1]) == have


def _settle_416(response: httpx2.Response, remote: Remote, part: Path, have: int) -> None:
    """Nothing is left to send: it is all here, or what is here is not that file."""
    if response.headers.get("Content-Range") == f"bytes */{have}":
        return
    _discard(part)
    names = {"host": remote.host, "file": remote.name}
    raise _TryAgainError(SourceFailedError("weights_interrupted", **names))


@dataclass
class _Count:
    """Bytes of the file so far; never more than its limit."""

    remote: Remote
    done: int
    total: int | None

    def add(self, count: int, task: Task) -> None:
        self.done += count
        if self.done > self.remote.limit:
            names = {"host": self.remote.host, "file": self.remote.name}
            raise SourceFailedError("weights_too_large", **names)
        task.progress.advance(self.remote.name, self.done, self.total)


def _copy(response: httpx2.Response, file: BinaryIO, count: _Count, task: Task) -> None:
    for chunk in response.iter_raw():
        count.add(len(chunk), task)
        file.write(chunk)
        # After writing: what came is kept for the next time.
        task.check()
    if count.total is not None and count.done < count.total:
        names = {"host": count.remote.host, "file": count.remote.name}
        raise _TryAgainError(SourceFailedError("weights_interrupted", **names))


def _size(part: Path) -> int:
    return part.stat().st_size if part.exists() else 0


def _tag_file(part: Path) -> Path:
    return part.with_name(part.name + ".etag")


def _tag(part: Path) -> str | None:
    return _tag_file(part).read_text("ascii") if _tag_file(part).exists() else None


def _remember_tag(response: httpx2.Response, part: Path) -> None:
    """Only a strong validator may guard a range (RFC 9110 13.1.5)."""
    tag = response.headers.get("ETag", "")
    if tag.startswith('"') and tag.isascii():
        _tag_file(part).write_text(tag, "ascii")
    else:
        _tag_file(part).unlink(missing_ok=True)


def _discard(part: Path) -> None:
    part.unlink(missing_ok=True)
    _tag_file(part).unlink(missing_ok=True)
