"""A Chromium, a server that answers and sees, and a page that must stay among themselves."""

import os
import shutil
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from tests.support import Server, running
from tests.ui.page import ChatPage
from tests.v5.support import seeing

SETTINGS = {"SLLM_MODEL_PATH": "scripted", "VISION_MODEL_PATH": "scripted"}
NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
# No sandbox: tests may run as root in a container, and the pages are ours.
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]

# A bound, never an expectation.
expect.set_options(timeout=60_000)

OpenPage = Callable[..., ChatPage]


@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    """Debian's, driven by Playwright, for all tests of this folder and for none beyond: while it
    runs, its event loop is the thread's."""
    path = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
    if path is None:
        pytest.skip("Chromium is not installed (Debian: apt-get install chromium)")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def ui_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(tmp_path_factory.mktemp("ui"), SETTINGS) as server:
        seeing(server)
        yield server


@pytest.fixture
def server(ui_server: Server) -> Server:
    """Without conversations."""
    ui_server.http.delete("/api/v5/conversations", params={"confirm": "all"})
    return ui_server


@pytest.fixture
def open_page(chromium: Browser) -> Iterator[OpenPage]:
    """Opens pages of a server. In the end none of them has asked anybody else for anything, broken
    the content policy, run what it was told, or failed unseen."""
    opened: list[ChatPage] = []

    def open_(server: Server, address: str = "", **options: Any) -> ChatPage:
        context = chromium.new_context(**{"locale": "en-US", **options})
        context.set_default_timeout(60_000)
        korean = str(options.get("locale", "")).startswith("ko")
        page = ChatPage(context.new_page(), server.url, korean)
        opened.append(page)
        page.goto(address)
        return page

    yield open_
    for page in opened:
        problems, pwned = page.problems, page.browser.evaluate("window.__pwned")
        page.browser.context.close()
        assert problems == []
        assert pwned is None


@pytest.fixture
def chat(open_page: OpenPage, server: Server) -> ChatPage:
    """The page of an empty server, on a desk, in English."""
    return open_page(server)
