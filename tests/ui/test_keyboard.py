"""Without a mouse, without seeing, in Korean, on a phone."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.support import Server
from tests.ui.conftest import OpenPage
from tests.ui.page import ChatPage
from tests.ui.test_looks import MARKDOWN, SIZES

GRAVE = ("serious", "critical")


def test_everything_can_be_done_with_keys(chat: ChatPage) -> None:
    keys = chat.browser.keyboard
    expect(chat.box).to_be_focused()
    keys.type("#words=2000 #pace=20")
    keys.press("Enter")
    expect(chat.answers.last).to_contain_text("word3")
    keys.press("Escape")
    expect(chat.answers.last).to_contain_text("Stopped here.")
    keys.press("Control+k")
    expect(chat.browser.get_by_role("searchbox")).to_be_focused()
    for _ in range(2):  # its title, its menu
        keys.press("Tab")
    keys.press("Enter")
    expect(chat.browser.get_by_role("menuitem", name="Rename")).to_be_focused()
    for _ in range(3):
        keys.press("ArrowDown")
    keys.press("Enter")
    expect(chat.browser.get_by_role("dialog")).to_contain_text("gone for good")
    keys.press("Escape")
    expect(chat.browser.get_by_role("dialog")).to_have_count(0)
    expect(chat.titles).to_have_count(1)
    keys.press("Control+Shift+o")
    expect(chat.box).to_be_focused()
    expect(chat.browser.get_by_text("What is on your mind?")).to_be_visible()


def test_a_dialog_gives_the_focus_back(chat: ChatPage) -> None:
    button = chat.button("Settings of this conversation")
    button.press("Enter")
    dialog = chat.browser.get_by_role("dialog")
    dialog.get_by_label("Seed").press("Escape")
    expect(button).to_be_focused()
    button.press("Enter")
    dialog.get_by_label("Seed").press("Enter")  # saves
    expect(dialog).to_have_count(0)
    expect(button).to_be_focused()


def test_a_new_line_does_not_send(chat: ChatPage) -> None:
    chat.box.press("Shift+Enter")
    chat.browser.keyboard.type("two")
    expect(chat.box).to_have_value("\ntwo")
    expect(chat.answers).to_have_count(0)


def test_the_enter_that_ends_a_hangul_syllable_does_not_send(chat: ChatPage) -> None:
    chat.box.fill("안녕")
    chat.box.dispatch_event("keydown", {"key": "Enter", "isComposing": True, "bubbles": True})
    expect(chat.box).to_have_value("안녕")
    expect(chat.answers).to_have_count(0)


def test_the_language_and_the_looks_can_be_chosen(chat: ChatPage) -> None:
    chat.button("Preferences").click()
    chat.browser.get_by_text("한국어").click()
    expect(chat.browser.get_by_role("dialog", name="환경 설정")).to_be_visible()
    chat.browser.get_by_text("어둡게").click()
    chat.browser.reload()
    expect(chat.browser.get_by_text("안녕하세요. 무엇을 도와드릴까요?")).to_be_visible()
    expect(chat.browser.get_by_role("button", name="코딩 도우미")).to_be_visible()
    scheme = chat.browser.evaluate("getComputedStyle(document.documentElement).colorScheme")
    assert scheme == "dark"


def test_a_phone_has_its_conversations_in_a_drawer(server: Server, open_page: OpenPage) -> None:
    for word in ("apples", "pears"):
        server.http.post("/api/v5/chat", json={"message": word})
    chat = open_page(server, viewport=SIZES["phone"], has_touch=True)
    expect(chat.titles.first).not_to_be_visible()
    chat.button("Conversations").click()
    chat.titles.filter(has_text="apples").click()
    expect(chat.answers).to_contain_text("You said: apples")
    expect(chat.titles.first).not_to_be_visible()
    chat.button("Conversations").click()
    chat.browser.keyboard.press("Escape")
    expect(chat.titles.first).not_to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_grave(server: Server, open_page: OpenPage, scheme: str) -> None:
    made = server.http.post("/api/v5/chat", json={"message": MARKDOWN}).json()
    chat = open_page(server, color_scheme=scheme)
    expect(chat.browser.get_by_role("button", name="SQL assistant")).to_be_visible()
    found = graves(chat)
    chat.goto(f"#{made['conversation_id']}")
    expect(chat.answers.locator(".katex").first).to_be_visible()
    found |= graves(chat)
    for name in ("Settings of this conversation", "Preferences", "Template", "Keyboard"):
        chat.button(name).click()
        expect(chat.browser.get_by_role("dialog")).to_be_visible()
        found |= graves(chat)
        chat.browser.keyboard.press("Escape")
    assert found == set()


def graves(chat: ChatPage) -> set[str]:
    """Rules that are broken, each with the place."""
    violations = Axe().run(chat.browser).response["violations"]
    return {
        f"{each['id']}: {node['html'][:200]}"
        for each in violations
        if each["impact"] in GRAVE
        for node in each["nodes"]
    }
