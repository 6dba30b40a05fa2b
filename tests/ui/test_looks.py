"""How it looks: pictures for people, in TEST_SHOTS or a folder that is named at the end; and that
nothing reaches beyond the width of a phone."""

import os
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.support import Server
from tests.ui.conftest import OpenPage

SIZES = {"desk": {"width": 1280, "height": 800}, "phone": {"width": 390, "height": 844}}
TABLE, CODE = "| a | b |\n|---|---|\n| 1 | 2 |", "```python\nprint(1)\n```"
MARKDOWN = f"# Head\n\n- one\n- two\n\n{TABLE}\n\n{CODE}\n\n$x^2$"


@pytest.fixture(scope="session")
def shots(tmp_path_factory: pytest.TempPathFactory) -> Path:
    wanted = os.environ.get("TEST_SHOTS")
    folder = Path(wanted) if wanted else tmp_path_factory.mktemp("shots")
    folder.mkdir(parents=True, exist_ok=True)
    print(f"pictures of the chat page: {folder}")  # noqa: T201 - for whoever runs with -s
    return folder


@pytest.mark.parametrize("locale", ["en-US", "ko-KR"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
def test_it_fits_and_is_drawn(
    server: Server, open_page: OpenPage, shots: Path, size: str, scheme: str, locale: str
) -> None:
    made = server.http.post("/api/v5/chat", json={"message": MARKDOWN}).json()
    options = {"viewport": SIZES[size], "color_scheme": scheme, "locale": locale}
    page = open_page(server, f"#{made['conversation_id']}", **options)
    expect(page.browser.get_by_role("article").last).to_contain_text("print(1)")
    beyond = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert page.browser.evaluate(beyond) <= 0
    written = page.browser.evaluate("document.documentElement.lang")
    assert written == locale[:2]
    path = shots / f"{size}-{scheme}-{locale[:2]}.png"
    page.browser.screenshot(path=path)
    assert path.stat().st_size > 10_000
