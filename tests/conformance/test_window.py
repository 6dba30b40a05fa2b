"""The context window, to the token."""

import pytest

from tests.conformance.columns import WINDOW
from tests.conformance.test_answers import ENDLESS, answered, form
from tests.support import Server

pytestmark = pytest.mark.weights


def of_length(server: Server, tokens: int) -> str:
    """A message whose whole prompt has so many tokens (" a" is one of them)."""
    base: int = answered(server, "a", max_tokens=1)["usage"]["prompt_tokens"]
    return "a" + " a" * (tokens - base)


def test_a_prompt_that_fills_the_window(server: Server) -> None:
    """One token less than the window leaves room for one; the whole window, and more, is 400."""
    for tokens, room in ((WINDOW - 2, 2), (WINDOW - 1, 1)):
        answer = answered(server, of_length(server, tokens), max_tokens=64)
        assert answer["usage"]["prompt_tokens"] == tokens
        assert 1 <= answer["usage"]["completion_tokens"] <= room
    for tokens in (WINDOW, WINDOW + 1):
        response = server.chat(of_length(server, tokens), max_tokens=64)
        assert response.status_code == 400
        error = response.json()["error"]
        assert error["code"] == "context_length_exceeded"
        assert error["details"] == {"prompt_tokens": tokens, "window": WINDOW}


def test_an_answer_that_reaches_the_window(server: Server) -> None:
    """It ends with `length` at exactly the last token of the window."""
    message = of_length(server, WINDOW - 7)
    answer = answered(server, message, max_tokens=64, response_format=form(ENDLESS))
    assert answer["finish_reason"] == "length"
    assert answer["usage"]["total_tokens"] == WINDOW
