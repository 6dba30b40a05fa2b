"""The examples of the documents are run again: they have the status and the shape that is shown."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from app.docs.examples.exchange import Answered, Exchange, Normaliser, load
from app.docs.examples.recorder import record
from app.docs.examples.scenario import SCENARIOS
from app.weights import ModelSpec
from tests.docs.markdown import events, fits, shape
from tests.support import Server, running

SEES = {"VISION_MODEL_PATH": "shapes-demo"}
# On a busy machine the real weights take their time; v5 has all of v4's routes.
REAL, SCRIPTED = ("v1", "v5"), ("v2", "v3", "v4")


@pytest.fixture(scope="module")
def real_server(tmp_path_factory: pytest.TempPathFactory, embedded: ModelSpec) -> Iterator[Server]:
    settings = {"SLLM_MODEL_PATH": embedded.path, "CONTEXT_LENGTH": "1024", **SEES}
    with running(tmp_path_factory.mktemp("examples"), settings) as server:
        server.wait_until(lambda: server.health()["models"]["vision"]["status"] == "ready")
        yield server


def test_every_version_has_a_scenario() -> None:
    assert set(REAL + SCRIPTED) == set(SCENARIOS)


@pytest.mark.weights
@pytest.mark.parametrize("version", REAL)
def test_examples_are_what_real_weights_answer(version: str, real_server: Server) -> None:
    run_again(version, real_server.url)


@pytest.mark.parametrize("version", SCRIPTED)
def test_examples_have_the_shapes_that_are_shown(version: str, scripted: Server) -> None:
    # Other tests leave conversations of other shapes, and the export has them all.
    scripted.http.delete("/api/v4/conversations", params={"confirm": "all"})
    run_again(version, scripted.url)


def run_again(version: str, url: str) -> None:
    kept = load(version)
    for shown, got in zip(kept, record(url, version), strict=True):
        check(shown, got)


def check(shown: Exchange, got: Exchange) -> None:
    assert (shown.title, shown.method, shown.route) == (got.title, got.method, got.route)
    assert got.answered.status == shown.answered.status, (shown.title, got.answered)
    assert got.answered.headers.keys() == shown.answered.headers.keys()
    assert fits(described(shown.answered), described(got.answered)), (shown.title, got.answered)


def described(answer: Answered) -> Any:
    """The shape of what came back; of a stream, that of its first event and of its last."""
    kind = answer.headers.get("content-type", "")
    if kind.startswith("text/event-stream"):
        told = events(answer.text)
        return [shape([name, data]) for name, data in (told[0], told[-1])]
    if kind.startswith("application/x-ndjson"):
        return shape([json.loads(line) for line in answer.text.splitlines()])
    return shape(answer.body)


def test_what_changes_from_run_to_run_is_replaced() -> None:
    known = Normaliser()
    first, second = f"msg_{'0a' * 16}", f"msg_{'0b' * 16}"
    told = known.value({"id": first, "parent_id": second, "at": "2026-11-25T04:59:00.123456Z"})
    assert told == {
        "id": f"msg_{1:032x}",
        "parent_id": f"msg_{2:032x}",
        "at": "2026-01-01T00:00:00Z",
    }
    assert known.text(f"/messages/{second}") == f"/messages/msg_{2:032x}"
