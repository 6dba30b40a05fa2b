"""Debian's Chromium, headless and without a network: pages are opened as a reader opens them."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, Route, sync_playwright

OPTIONS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
LOCAL = ("localhost", "127.0.0.1")


def program() -> str:
    """Chromium, or whatever goes by one of its names; without it the test is skipped."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        found = shutil.which(name)
        if found:
            return found
    pytest.skip("Chromium is not installed (Debian: apt-get install chromium)")


@contextmanager
def opened() -> Iterator[Page]:
    """A page that reaches this machine only; at the end it has not even tried to reach another."""
    tried: list[str] = []

    def refuse(route: Route) -> None:
        tried.append(route.request.url)
        route.abort()

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program(), args=OPTIONS)
        try:
            page = browser.new_page()
            page.route(is_elsewhere, refuse)
            yield page
        finally:
            browser.close()
    assert tried == []


def is_elsewhere(url: str) -> bool:
    """Whether an address is of another machine; files and data are of none."""
    parts = urlsplit(url)
    return parts.scheme in ("http", "https", "ws", "wss") and parts.hostname not in LOCAL
