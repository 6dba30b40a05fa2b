"""Servers and backends for the conformance suite, one column after the other."""

from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conformance.columns import COLUMNS, SLOTS, WINDOW, AnyBackend, Column, fresh
from tests.support import Server, running

Tell = Callable[[str], None]


@pytest.fixture(scope="session", params=COLUMNS, ids=lambda column: column.name.replace(" ", "-"))
def column(request: pytest.FixtureRequest, weights_dir: Path) -> Column:
    """An engine with weights. All cases of one run before those of the next."""
    chosen: Column = request.param
    chosen.path(weights_dir)
    return chosen


@pytest.fixture(scope="session")
def server(
    column: Column, weights_dir: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    settings = {
        "SLLM_MODEL_PATH": str(column.path(weights_dir)),
        "CONTEXT_LENGTH": str(WINDOW),
        "PARALLEL_SLOTS": str(SLOTS),
    }
    with running(tmp_path_factory.mktemp("server"), settings) as started:
        yield started


@pytest.fixture(scope="session")
def loaded(
    column: Column, weights_dir: Path, tmp_path_factory: pytest.TempPathFactory
) -> AnyBackend:
    return column.load(weights_dir, tmp_path_factory.mktemp("engine"))


@pytest.fixture
async def backend(loaded: AnyBackend) -> AsyncIterator[AnyBackend]:
    """The column's backend on this test's event loop, for what clients do not see."""
    made = fresh(loaded)
    await made.open()
    yield made
    await made.close()


@pytest.fixture(scope="session")
def reference(column: Column, weights_dir: Path) -> Any:
    """transformers' own tokenizer."""
    import warnings

    reason = "transformers, the reference, comes with the extra 'convert'"
    transformers = pytest.importorskip("transformers", reason=reason)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return transformers.AutoTokenizer.from_pretrained(column.reference_folder(weights_dir))


@pytest.fixture
def tell(record_property: Callable[[str, object], None]) -> Tell:
    """Say more in the table (report.py) than "ok"."""
    return lambda cell: record_property("cell", cell)
