"""Finding a wheel in the indexes that pip would ask: PEP 503, PEP 691, find-links, auth.

`unearth` does the finding; this gives it pip's settings, and tells "not there" from "not
reachable", which it does not.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final, cast

import httpx2
from packaging.requirements import Requirement
from unearth import Link, Package, PackageFinder
from unearth.auth import MultiDomainBasicAuth
from unearth.fetchers import Fetcher, PyPIClient

from app.weights.errors import SourceFailedError
from app.weights.pip_settings import PipSettings
from app.weights.task import Task

CONNECT_SECONDS: Final = 5.0
# A silent server holds up a cancel for so long, whatever pip would grant it.
READ_SECONDS: Final = 30.0
ATTEMPTS: Final = 3
BACKOFF_SECONDS: Final = 0.5


class IndexClient(PyPIClient):
    """Answers 503 in place of a host that cannot be reached, so that the next index is asked;
    `unreachable` names those hosts."""

    def __init__(self, settings: PipSettings, task: Task) -> None:
        self._task = task
        self.unreachable: list[str] = []
        timeout = httpx2.Timeout(
            min(READ_SECONDS, settings.timeout), connect=min(CONNECT_SECONDS, settings.timeout)
        )
        super().__init__(
            trusted_hosts=settings.trusted_hosts,
            verify=settings.tls(),
            proxy=settings.proxy or None,
            mounts=_untested_hosts(settings),
            timeout=timeout,
            follow_redirects=True,
            auth=MultiDomainBasicAuth(prompting=False, index_urls=settings.index_urls),
        )

    def get(  # type: ignore[override]  # unearth asks for pages with these arguments only
        self, url: str, *, headers: Mapping[str, str] | None = None
    ) -> httpx2.Response:
        """A page of an index."""
        host = httpx2.URL(url).netloc.decode()
        if host in self.unreachable:
            return httpx2.Response(503, request=httpx2.Request("GET", url))
        for attempt in range(ATTEMPTS):
            if attempt:
                self._task.pause(BACKOFF_SECONDS * 2**attempt)
            response = self._ask(url, headers)
            if response.status_code < 500:
                return response
        self.unreachable.append(host)
        return response

    def _ask(self, url: str, headers: Mapping[str, str] | None) -> httpx2.Response:
        self._task.check()
        try:
            return super().get(url, headers=headers)
        except httpx2.HTTPError:
            return httpx2.Response(503, request=httpx2.Request("GET", url))


def _untested_hosts(settings: PipSettings) -> dict[str, httpx2.BaseTransport]:
    """pip's trusted hosts: their certificates are not looked at, the proxy is used all the same."""
    proxy = settings.proxy_for_https
    if proxy is None:
        return {}
    return {
        f"all://{host}": httpx2.HTTPTransport(verify=False, proxy=proxy)
        for host in settings.trusted_hosts
    }


class PipIndex:
    """The indexes and links of pip's settings, with one connection pool."""

    def __init__(self, settings: PipSettings, client: IndexClient) -> None:
        self._settings, self.client = settings, client
        # pip, too, passes over places that are not there.
        self._links = [at for at in settings.find_links if "://" in at or Path(at).exists()]

    def wheel(self, package: str, version: str) -> Link:
        """The wheel of exactly this version. Raises SourceFailedError."""
        hosts = (
            ", ".join(dict.fromkeys(map(_host, [*self._settings.index_urls, *self._links])))
            or "no index"
        )
        try:
            best = self._best(Requirement(f"{package}=={version}"))
        except (ValueError, TypeError, KeyError, AttributeError) as error:  # a malformed page
            raise SourceFailedError("weights_not_a_wheel", host=hosts, file=package) from error
        if best is not None:
            return best.link
        if self.client.unreachable:
            hosts = ", ".join(self.client.unreachable)
            raise SourceFailedError("weights_unreachable", host=hosts, file=package)
        raise SourceFailedError(
            "weights_index_lacks", package=package, version=version, hosts=hosts
        )

    def _best(self, requirement: Requirement) -> Package | None:
        indexes = self._settings.index_urls
        if not indexes and not self._links:
            return None  # the finder would ask its own default index
        finder = PackageFinder(
            cast(Fetcher, self.client),
            index_urls=indexes,
            find_links=self._links,
            only_binary=[":all:"],
        )
        return finder.find_best_match(requirement).best


def _host(url: str) -> str:
    """For people: no credentials, no paths."""
    return httpx2.URL(url).host if "://" in url and not url.startswith("file:") else "local files"


@contextmanager
def open_index(settings: PipSettings, task: Task) -> Iterator[PipIndex]:
    """Raises WeightsError when the settings cannot be used."""
    with IndexClient(settings, task) as client:
        yield PipIndex(settings, client)


def sha256_of_link(link: Link) -> str | None:
    """What the index says the file's hash is; None when it does not say."""
    return next(iter((link.hash_option or {}).get("sha256", [])), None)
