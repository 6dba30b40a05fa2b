"""Once with real weights: words of a model, with what they cost, and still there afterwards."""

import pytest
from playwright.sync_api import expect

from tests.support import Server
from tests.ui.conftest import OpenPage


@pytest.mark.weights
def test_a_model_answers_and_its_words_stay(smollm2_server: Server, open_page: OpenPage) -> None:
    chat = open_page(smollm2_server)
    answer = chat.ask("Why is the sky blue? Answer in one sentence.")
    words = answer.locator(".markdown").inner_text()
    assert words.strip()
    expect(answer).to_contain_text("tokens/s")
    expect(chat.browser.get_by_role("meter")).to_have_attribute("aria-valuemax", "1024")
    chat.browser.reload()
    assert chat.answers.last.locator(".markdown").inner_text() == words
    smollm2_server.wait_idle()
