"""The embedded model itself, through the index that pip uses here."""

import os
from pathlib import Path

import pytest

from app.weights import catalog, ensure, locate
from app.weights.memory import fits
from app.weights.preflight import check

OFFLINE = os.environ.get("SLLM_TEST_OFFLINE") == "1"


@pytest.mark.network
@pytest.mark.weights
@pytest.mark.skipif(OFFLINE, reason="SLLM_TEST_OFFLINE=1")
def test_the_embedded_model_is_fetched_and_is_what_the_catalogue_says(weights_dir: Path) -> None:
    entry = catalog.default_entry()
    spec = ensure(None, weights_dir)
    assert locate(None, weights_dir) == spec
    header = check(Path(spec.path))
    assert (header.architecture, header.quantization) == (entry.architecture, entry.quantization)
    assert (header.parameters, header.context_length) == (entry.parameters, entry.context_length)
    assert (header.file_bytes, header.languages) == (entry.size_bytes, entry.languages)
    assert header.has_chat_template
    assert {"<|im_start|>", "<|im_end|>"} <= set(header.control_tokens)
    assert fits(header, 1, 4096).needed <= entry.memory_bytes
