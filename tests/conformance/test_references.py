"""The stored references of test_greedy.py are what transformers says, now and here."""

import os

import pytest

from tests.conformance.references import make
from tests.conformance.test_greedy import REFERENCES, references
from tests.conftest import CONVERTING_SECONDS
from tests.converted import require_extra

pytestmark = [pytest.mark.weights, pytest.mark.timeout(CONVERTING_SECONDS)]


@pytest.mark.skipif(
    os.environ.get("CONFORMANCE_REFERENCES") != "1",
    reason="CONFORMANCE_REFERENCES=1 asks transformers again, which takes minutes",
)
@pytest.mark.parametrize("entry", REFERENCES)
def test_references_are_transformers_own(entry: str) -> None:
    require_extra()
    assert make(entry) == references(entry)
