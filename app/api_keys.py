"""API keys: a file of their hashes, made and revoked by the command line, read by the server.

A key has 256 random bits, so its plain SHA-256 tells nothing about it and needs no salt.
"""

import fcntl
import hashlib
import hmac
import json
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from app.i18n import translate

PREFIX = "sllm_"
LONGEST_KEY = 256
Sha256 = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}$")]
KeyId = Annotated[str, Meta(pattern=r"^key_[0-9a-f]{16}$")]


class ApiKey(Struct, frozen=True, forbid_unknown_fields=True):
    """One key: `id` is the owner of all that is made with it, `name` is for people."""

    id: KeyId
    name: str
    sha256: Sha256
    created_at: str


class KeysError(Exception):
    """The file of keys cannot be used: `text` is a key of the messages, `values` fill it; `str()`
    is the English sentence."""

    def __init__(self, text: str, /, **values: str) -> None:
        self.text, self.values = text, values
        super().__init__(translate(text, "en", **values))


def digest(key: str) -> str:
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()


def read(path: Path) -> tuple[ApiKey, ...]:
    """All keys of the file. Raises KeysError."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=tuple[ApiKey, ...])
    except FileNotFoundError:
        raise KeysError("keys_none", file=path.name) from None
    except OSError as error:
        reason = error.strerror or ""
        raise KeysError("keys_unreadable", file=path.name, reason=reason) from None
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise KeysError("keys_damaged", file=path.name) from None


def create(path: Path, name: str) -> tuple[ApiKey, str]:
    """Add a key; returns its entry and the key itself, which is kept nowhere."""
    key = PREFIX + secrets.token_urlsafe(32)
    entry = ApiKey(
        id="key_" + secrets.token_hex(8),
        name=name,
        sha256=digest(key),
        created_at=datetime.now(UTC).isoformat(timespec="seconds"),
    )
    with _changed(path) as keys:
        keys.append(entry)
    return entry, key


def revoke(path: Path, key_id: str) -> bool:
    """Take a key away; whether there was one of that id. Running servers notice by themselves.
    Raises KeysError, also for a file that is not there: none is made for it."""
    read(path)
    with _changed(path) as keys:
        left = [key for key in keys if key.id != key_id]
        found = len(left) < len(keys)
        keys[:] = left
    return found


@contextmanager
def _changed(path: Path) -> Iterator[list[ApiKey]]:
    """The keys to change, under a lock; written as a whole, readable by the owner only. Raises
    KeysError."""
    try:
        with _locked(path):
            keys = list(read(path)) if path.exists() else []
            yield keys
            _write(path, keys)
    except OSError as error:
        reason = error.strerror or ""
        raise KeysError("keys_unwritable", file=path.name, reason=reason) from None


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.with_name(path.name + ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _write(path: Path, keys: list[ApiKey]) -> None:
    fresh = path.with_name(f"{path.name}.{os.getpid()}")
    file = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        with os.fdopen(file, "w", encoding="utf-8") as out:
            json.dump(msgspec.to_builtins(keys), out, indent=2)
            out.write("\n")
            out.flush()
            os.fsync(out.fileno())
        fresh.replace(path)
    finally:
        fresh.unlink(missing_ok=True)


class KeyRing:
    """The keys of a running server; a changed file is read again, so a revoked key ends at
    once. A file that cannot be read any more lets nobody in."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen: tuple[int, int] | None = None
        self._keys: tuple[ApiKey, ...] = ()

    def owner_of(self, key: str) -> str | None:
        """The id of a valid key. Takes the same time whichever hash is how much alike."""
        self._refresh()
        presented = digest(key)
        owner = None
        for known in self._keys:
            if hmac.compare_digest(known.sha256, presented):
                owner = known.id
        return owner

    def _refresh(self) -> None:
        try:
            facts = self._path.stat()
            seen = (facts.st_mtime_ns, facts.st_ino)
            if seen != self._seen:
                self._keys = read(self._path)
                self._seen = seen
        except (OSError, KeysError):
            self._keys, self._seen = (), None


def key_ring(path: Path | None) -> KeyRing | None:
    """The ring of a file that must hold keys, or None where no file was asked for. Raises
    KeysError: a server that was meant to be closed must not start open, nor closed for all."""
    if path is None:
        return None
    if not read(path):
        raise KeysError("keys_empty", file=path.name)
    return KeyRing(path)
