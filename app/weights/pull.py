"""Weights from a hub to this machine: the room for them first, then each file, resumed and
checked against the hub's own hash, then a record of what they are.
"""

import hashlib
from pathlib import Path
from typing import Final

import httpx2

from app.weights import pulled, store
from app.weights.download import Remote, download
from app.weights.errors import SourceFailedError
from app.weights.hub import CONNECT_SECONDS, READ_SECONDS
from app.weights.hub_name import HubName
from app.weights.pulled import PulledModel
from app.weights.repository import RemoteFile, Repository, look, token
from app.weights.selection import Selection, select
from app.weights.task import CHUNK, Task

FETCHING: Final = ".fetching"


class Pull:
    """One model at a hub, looked at: what it consists of is known, nothing is fetched yet.

    Raises WeightsError when it cannot be had.
    """

    def __init__(self, wanted: HubName, revision: str | None, vision: bool = False) -> None:
        self.repository: Repository = look(wanted.repo, revision)
        self.selection: Selection = select(self.repository, wanted, vision)
        self._revision = revision or "main"

    def missing_bytes(self, data_dir: Path) -> int:
        """What is still to come; what was begun counts as there."""
        folder = pulled.folder_of(self.repository.repo, data_dir)
        return sum(file.size - _there(folder, file) for file in self.selection.files)

    def fetch(self, data_dir: Path, task: Task) -> PulledModel:
        """Blocks. Raises WeightsError, or CancelledError: what came is kept for the next time."""
        repo, folder = self.repository.repo, pulled.folder_of(self.repository.repo, data_dir)
        missing = self.missing_bytes(data_dir)
        with store.disk_errors(data_dir, repo, missing):
            (folder / FETCHING).mkdir(parents=True, exist_ok=True)
            with store.locked(folder / f"{FETCHING}.lock", task):
                store.require_space(folder, repo, missing)
                self._fetch_all(folder, task)
                model = self._record()
                pulled.keep(model, data_dir)
        return model

    def _fetch_all(self, folder: Path, task: Task) -> None:
        timeout = httpx2.Timeout(READ_SECONDS, connect=CONNECT_SECONDS)
        with httpx2.Client(timeout=timeout, follow_redirects=True) as client:
            for file in self.selection.files:
                if not is_right(folder / file.name, file, task):
                    self._fetch(client, file, folder, task)

    def _fetch(self, client: httpx2.Client, file: RemoteFile, folder: Path, task: Task) -> None:
        key = token()
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        remote = Remote(self.repository.url(file), file.name, file.sha256, file.size, headers)
        fresh, target = folder / FETCHING / _flat(file), folder / file.name
        task.say("weights_fetching", name=file.name, host=remote.host)
        try:
            download(client, remote, fresh, task)
        except SourceFailedError as error:
            raise self._gated(error, remote) from error
        if not is_right(fresh, file, task):
            fresh.unlink()
            raise SourceFailedError("weights_hub_bad_hash", host=remote.host, name=file.name)
        target.parent.mkdir(parents=True, exist_ok=True)
        store.put_in_place(fresh, target)

    def _gated(self, error: SourceFailedError, remote: Remote) -> SourceFailedError:
        """Anybody may look at a gated repository; its files want a licence accepted."""
        if error.text != "weights_refused" or not self.repository.gated:
            return error
        repo = self.repository.repo
        url = remote.url.partition(f"/{repo}/")[0] + f"/{repo}"
        return SourceFailedError("weights_hub_gated", repo=repo, host=remote.host, url=url)

    def _record(self) -> PulledModel:
        repository, made = self.repository, self.selection
        return PulledModel(
            repo=repository.repo,
            kind=made.kind,
            serve=made.serve,
            revision=self._revision,
            commit=repository.commit,
            license=repository.license,
            files=made.files,
        )


def _flat(file: RemoteFile) -> str:
    return file.name.replace("/", "--")


def _there(folder: Path, file: RemoteFile) -> int:
    """Bytes of the file that are here already."""
    for path in (folder / file.name, folder / FETCHING / f"{_flat(file)}.part"):
        if path.is_file():
            return min(path.stat().st_size, file.size)
    return 0


def is_right(path: Path, file: RemoteFile, task: Task) -> bool:
    """Whether the file at `path` has the size and the hash that the hub promised."""
    if not path.is_file() or path.stat().st_size != file.size:
        return False
    if file.sha256 is not None:
        return store.sha256_of(path, task) == file.sha256
    return file.blob is None or _blob_of(path, task) == file.blob


def _blob_of(path: Path, task: Task) -> str:
    """Git's hash of a file's content (SHA-1, by which git names it; not for security)."""
    digest = hashlib.sha1(f"blob {path.stat().st_size}\0".encode(), usedforsecurity=False)
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            task.check()
            digest.update(chunk)
    return digest.hexdigest()
