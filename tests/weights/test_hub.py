"""The hub as a source: first, resumed, refused, out of reach."""

from pathlib import Path

import pytest

from app.weights import catalog, ensure
from app.weights.catalog import CatalogEntry, HubSource
from app.weights.task import Task
from tests.weights.conftest import Recorder
from tests.weights.entries import CONTENT, HUB, HUB_PATH, PARTS, entry_of
from tests.weights.web import Page, Web, drop_after


def _with_sources(monkeypatch: pytest.MonkeyPatch, *sources: HubSource | object) -> CatalogEntry:
    tiny = entry_of(CONTENT, *sources)  # type: ignore[arg-type]
    monkeypatch.setattr(catalog, "entries", lambda: (tiny,))
    return tiny


def test_hub_first_with_its_token_resumed(
    entry: CatalogEntry, web: Web, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _with_sources(monkeypatch, HUB, PARTS)
    monkeypatch.setenv("HF_TOKEN", "hf_token")
    web.pages[HUB_PATH] = Page(CONTENT, faults=[drop_after(1_000_000)])
    assert Path(ensure(None, tmp_path).path).read_bytes() == CONTENT
    assert {path for path, _ in web.asked} == {HUB_PATH}
    assert web.starts(HUB_PATH)[1] > 0
    assert web.seen[0]["Authorization"] == "Bearer hf_token"


@pytest.mark.parametrize("told", [True, False])
def test_another_file_at_the_hub_leads_to_the_next_source(
    entry: CatalogEntry,
    web: Web,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    task: Task,
    recorder: Recorder,
    told: bool,
) -> None:
    _with_sources(monkeypatch, HUB, PARTS)
    other = Page(b"y" * len(CONTENT))
    if told:
        other.headers["X-Linked-ETag"] = f'"{other.sha256}"'
    web.pages[HUB_PATH] = other
    assert ensure(None, tmp_path, task).sha256 == entry.sha256
    assert recorder.texts[-4:] == [
        "weights_bad_hash",
        "weights_next_source",
        "weights_fetching",
        "weights_fetching",
    ]
    assert web.starts(HUB_PATH) == ([] if told else [0])


@pytest.mark.parametrize(
    ("variable", "value", "text"),
    [
        ("HF_HUB_OFFLINE", "1", "weights_hub_offline"),
        ("HF_ENDPOINT", "http://127.0.0.1:9", "weights_unreachable"),
    ],
)
def test_hub_out_of_reach_leads_to_the_next_source(
    entry: CatalogEntry,
    web: Web,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    task: Task,
    recorder: Recorder,
    variable: str,
    value: str,
    text: str,
) -> None:
    _with_sources(monkeypatch, HUB, PARTS)
    monkeypatch.setenv(variable, value)
    assert ensure(None, tmp_path, task).sha256 == entry.sha256
    assert recorder.texts[:2] == [text, "weights_next_source"]
