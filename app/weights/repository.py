"""A repository of a model hub, looked at before anything is fetched: its files with their sizes
and hashes, through `huggingface_hub`, whose settings (HF_ENDPOINT, HF_TOKEN) hold.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final
from urllib.parse import urlsplit

from msgspec import Struct

from app.weights.errors import SourceFailedError, WeightsError
from app.weights.hub_name import is_file_name

LOOK_SECONDS: Final = 20.0
TRUE: Final = frozenset({"1", "ON", "YES", "TRUE"})


class RemoteFile(Struct, frozen=True):
    """`sha256` is what the hub says of a large file; of a small one `blob` is git's hash."""

    name: str
    size: int
    sha256: str | None = None
    blob: str | None = None


class Repository(Struct, frozen=True):
    """The files of `repo` at one commit, which stay the same whatever is changed there."""

    repo: str
    commit: str
    files: tuple[RemoteFile, ...]
    license: str | None = None
    gated: bool = False

    def url(self, file: RemoteFile) -> str:
        from huggingface_hub import hf_hub_url

        return hf_hub_url(self.repo, file.name, revision=self.commit, endpoint=endpoint())


def endpoint() -> str | None:
    """HF_ENDPOINT, a mirror; None is the hub itself."""
    return os.environ.get("HF_ENDPOINT") or None


def token() -> str | None:
    """HF_TOKEN, or what `hf auth login` has kept."""
    from huggingface_hub import get_token

    return get_token()


def look(repo: str, revision: str | None = None) -> Repository:
    """Raises WeightsError that says why it cannot be looked at, and the way out."""
    if os.environ.get("HF_HUB_OFFLINE", "").upper() in TRUE:
        raise SourceFailedError("weights_hub_offline", name=repo)
    # Imported late: it takes half a second. Without telemetry.
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    from huggingface_hub import HfApi

    api = HfApi(endpoint=endpoint(), token=token() or False)
    with _in_words(repo, revision, str(api.endpoint)):
        found = api.model_info(repo, revision=revision, files_metadata=True, timeout=LOOK_SECONDS)
    if not found.sha:
        raise SourceFailedError("weights_hub_not_a_hub", host=_host(str(api.endpoint)))
    files = tuple(_file(each) for each in found.siblings or [] if is_file_name(each.rfilename))
    return Repository(repo, found.sha, files, _license(found), bool(found.gated))


def _file(sibling: Any) -> RemoteFile:
    large = sibling.lfs
    size = (large.size if large else sibling.size) or 0
    return RemoteFile(sibling.rfilename, size, large.sha256 if large else None, sibling.blob_id)


def _license(found: Any) -> str | None:
    """As the card says; licences of nobody else's have a name of their own."""
    card = found.card_data
    name = getattr(card, "license_name", None) or getattr(card, "license", None) if card else None
    return name if isinstance(name, str) else None


@contextmanager
def _in_words(repo: str, revision: str | None, address: str) -> Iterator[None]:
    # Late: a server that has its weights asks nobody.
    import httpx2
    from huggingface_hub import errors

    names = {"repo": repo, "host": _host(address)}
    try:
        yield
    except errors.GatedRepoError as error:
        raise SourceFailedError("weights_hub_gated", url=f"{address}/{repo}", **names) from error
    except errors.RevisionNotFoundError as error:
        raise WeightsError("weights_hub_revision", revision=revision or "main", **names) from error
    except errors.RepositoryNotFoundError as error:
        raise _by_status(404, names) from error
    except errors.HfHubHTTPError as error:
        raise _by_status(error.response.status_code, names) from error
    except (httpx2.HTTPError, OSError) as error:
        raise SourceFailedError("weights_hub_unreachable", **names) from error
    # Pages of a captive portal or of a proxy, in place of the hub's JSON.
    except (ValueError, KeyError, TypeError) as error:
        raise SourceFailedError("weights_hub_not_a_hub", host=names["host"]) from error


def _by_status(status: int, names: dict[str, str]) -> SourceFailedError:
    if status in (401, 403):
        return SourceFailedError("weights_hub_token", status=status, **names)
    if status == 404:
        text = "weights_hub_not_yours" if token() else "weights_hub_not_found"
        return SourceFailedError(text, **names)
    return SourceFailedError(
        "weights_server_error", status=status, host=names["host"], file=names["repo"]
    )


def _host(address: str) -> str:
    return urlsplit(address).hostname or address[:80]
