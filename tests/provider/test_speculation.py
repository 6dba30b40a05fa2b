"""Which engine drafts, and that the others say that they do not."""

from pathlib import Path

import pytest

from app.config import Settings
from app.provider import gguf_provider
from app.provider.plan import no_drafts
from app.weights import ModelSpec


def test_nothing_is_said_where_nothing_was_asked() -> None:
    assert no_drafts(Settings(), "tiny") == ()


def test_an_engine_without_drafts_says_so() -> None:
    (notice,) = no_drafts(Settings(speculation="ngram"), "tiny")
    assert (notice.text, notice.values) == ("speculation_unsupported", {"model": "tiny"})


@pytest.mark.weights
def test_gguf_weights_draft_where_it_is_set(embedded: ModelSpec, tmp_path: Path) -> None:
    chosen = [
        gguf_provider.spec(embedded, tmp_path, Settings(speculation=wanted)).speculation
        for wanted in ("off", "ngram")
    ]
    assert chosen == ["off", "ngram"]
