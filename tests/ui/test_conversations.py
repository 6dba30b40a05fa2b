"""The list at the left."""

import json
from pathlib import Path

from playwright.sync_api import expect

from tests.support import Server
from tests.ui.conftest import OpenPage
from tests.ui.page import ChatPage


def test_a_conversation_is_renamed(chat: ChatPage, server: Server) -> None:
    chat.ask("apples")
    chat.act("apples", "Rename")
    title = chat.browser.get_by_role("textbox", name="Title")
    title.fill("Fruit")
    title.press("Enter")
    expect(chat.titles).to_have_text(["Fruit"])
    expect(chat.browser.get_by_role("heading", level=1)).to_have_text("Fruit")
    listed = server.http.get("/api/v5/conversations").json()
    assert [item["title"] for item in listed["items"]] == ["Fruit"]


def test_words_of_a_message_find_its_conversation(chat: ChatPage) -> None:
    chat.ask("하늘은 왜 파란가요")
    chat.button("New chat").click()
    chat.ask("apples")
    search = chat.browser.get_by_role("searchbox")
    search.fill("파란")
    expect(chat.titles).to_have_text(["하늘은 왜 파란가요"])
    search.fill("nowhere")
    expect(chat.browser.get_by_text("Nothing found for “nowhere”.")).to_be_visible()
    search.fill("")
    expect(chat.titles).to_have_count(2)


def test_a_conversation_is_deleted_after_a_question(chat: ChatPage, server: Server) -> None:
    chat.ask("apples")
    chat.act("apples", "Delete")
    chat.browser.get_by_role("dialog").get_by_role("button", name="Cancel").click()
    expect(chat.titles).to_have_count(1)
    chat.act("apples", "Delete")
    chat.browser.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(chat.titles).to_have_count(0)
    expect(chat.answers).to_have_count(0)
    assert server.http.get("/api/v5/conversations").json()["total"] == 0


def test_a_conversation_is_exported(chat: ChatPage) -> None:
    chat.ask("apples")
    with chat.browser.expect_download() as markdown:
        chat.act("apples", "Export as Markdown")
    assert markdown.value.suggested_filename == "apples.md"
    assert "You said: apples" in Path(markdown.value.path()).read_text(encoding="utf-8")
    with chat.browser.expect_download() as exported:
        chat.act("apples", "Export as JSON")
    assert exported.value.suggested_filename == "apples.json"
    assert json.loads(Path(exported.value.path()).read_bytes())


def test_older_conversations_come_by_the_page(server: Server, open_page: OpenPage) -> None:
    for number in range(35):
        body = {"message": f"number {number}"}
        assert server.http.post("/api/v5/chat", json=body).status_code == 200
    chat = open_page(server)
    expect(chat.titles).to_have_count(30)
    chat.button("Show more").click()
    expect(chat.titles).to_have_count(35)
    expect(chat.titles.last).to_have_text("number 0")
    expect(chat.button("Show more")).to_have_count(0)


def test_back_leads_to_the_conversation_before(chat: ChatPage) -> None:
    chat.ask("apples")
    chat.button("New chat").click()
    expect(chat.browser.get_by_text("What is on your mind?")).to_be_visible()
    chat.browser.go_back()
    expect(chat.answers).to_contain_text("You said: apples")


def test_an_answer_goes_on_while_one_reads_elsewhere(chat: ChatPage) -> None:
    chat.ask("apples")
    chat.button("New chat").click()
    chat.send("pears #words=30 #pace=50")
    expect(chat.answers.last).to_contain_text("word1")
    chat.titles.filter(has_text="apples").click()
    expect(chat.answers).to_contain_text("You said: apples")
    chat.titles.filter(has_text="pears").click()
    expect(chat.answers.last).to_contain_text("word29")
    chat.settled()
