"""Weights from a model hub: `huggingface_hub` knows where and with which token, the bytes come
by our own resumable download, since its own begins anew in every process.
"""

import os
from pathlib import Path
from typing import Final

import httpx2

from app.weights.catalog import CatalogEntry, HubSource
from app.weights.download import Remote, download
from app.weights.errors import SourceFailedError
from app.weights.task import Task

CONNECT_SECONDS: Final = 5.0
READ_SECONDS: Final = 30.0
SHA256_DIGITS: Final = 64
TRUE: Final = frozenset({"1", "ON", "YES", "TRUE"})


def fetch(
    source: HubSource, entry: CatalogEntry, workspace: Path, target: Path, task: Task
) -> None:
    """Write the file to `target`. HF_ENDPOINT, HF_TOKEN and HF_HUB_OFFLINE are honoured.

    Raises SourceFailedError (quickly, when the hub is out of reach), CancelledError, and
    OSError of the disk.
    """
    if os.environ.get("HF_HUB_OFFLINE", "").upper() in TRUE:
        raise SourceFailedError("weights_hub_offline", name=entry.name)
    remote = _remote(source, entry)
    timeout = httpx2.Timeout(READ_SECONDS, connect=CONNECT_SECONDS)
    with httpx2.Client(timeout=timeout, follow_redirects=True) as client:
        _look(client, remote, entry)
        task.say("weights_fetching", name=remote.name, host=remote.host)
        kept = workspace / f"{entry.file}.hub"
        download(client, remote, kept, task)
    kept.replace(target)


def _remote(source: HubSource, entry: CatalogEntry) -> Remote:
    # Imported late: it takes half a second, and most starts need no hub. Without telemetry.
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    from huggingface_hub import get_token, hf_hub_url

    endpoint = os.environ.get("HF_ENDPOINT") or None
    url = hf_hub_url(source.repo, source.file, revision=source.revision, endpoint=endpoint)
    token = get_token()
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return Remote(url, entry.file, entry.sha256, entry.size_bytes, headers)


def _look(client: httpx2.Client, remote: Remote, entry: CatalogEntry) -> None:
    """Ask before fetching, so that a hub out of reach or another file costs one request.

    A hub gives the sha256 of large files as `X-Linked-ETag`, and their size.
    """
    names = {"host": remote.host, "file": remote.name}
    try:
        response = client.head(remote.url, headers=dict(remote.headers), follow_redirects=False)
    except httpx2.HTTPError as error:
        raise SourceFailedError("weights_unreachable", **names) from error
    if response.status_code in (401, 403):
        raise SourceFailedError("weights_refused", status=response.status_code, **names)
    if response.status_code >= 400:
        raise SourceFailedError("weights_server_error", status=response.status_code, **names)
    announced = response.headers.get("X-Linked-ETag", "").strip('W/"')
    if len(announced) == SHA256_DIGITS and announced != entry.sha256:
        raise SourceFailedError("weights_bad_hash", host=remote.host, name=entry.name)
