"""When the server cannot: it is said in plain words, tried again, and nothing typed is lost."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Route, expect

from tests import support
from tests.support import Server, running
from tests.ui.conftest import OpenPage
from tests.ui.page import ChatPage

BUSY = {"error": {"code": "overloaded", "message": "The server is busy."}}


def test_a_busy_server_is_asked_again_when_it_said(chat: ChatPage) -> None:
    refused: list[str | None] = []

    def once(route: Route) -> None:
        refused.append(route.request.header_value("Idempotency-Key"))
        if len(refused) == 1:
            route.fulfill(status=503, json=BUSY, headers={"Retry-After": "2"})
        else:
            route.continue_()

    chat.browser.route("**/chat/stream", once)
    chat.send("important words")
    alert = chat.browser.get_by_role("alert")
    expect(alert).to_contain_text("The server is busy.")
    expect(alert).to_contain_text("Trying again in")
    expect(chat.box).to_have_value("important words")
    expect(chat.answers).to_contain_text("You said: important words")
    expect(chat.box).to_have_value("")
    assert refused[0] == refused[1]  # to the server it is one message


def test_one_may_call_off_the_next_try(chat: ChatPage) -> None:
    chat.browser.route(
        "**/chat/stream",
        lambda route: route.fulfill(status=429, json=BUSY, headers={"Retry-After": "900"}),
    )
    chat.send("important words")
    chat.button("Do not try again").click()
    expect(chat.browser.get_by_role("alert")).to_have_count(0)
    expect(chat.box).to_have_value("important words")


def test_words_outlive_a_server_that_is_gone_and_a_reload(chat: ChatPage) -> None:
    chat.browser.route("**/api/**", lambda route: route.abort())
    chat.send("important words")
    expect(chat.browser.get_by_role("main").get_by_role("alert")).to_contain_text(
        "cannot be reached"
    )
    expect(chat.box).to_have_value("important words")
    chat.browser.unroute("**/api/**")
    chat.browser.reload()
    expect(chat.box).to_have_value("important words")
    chat.box.press("Enter")
    expect(chat.answers).to_contain_text("You said: important words")


def test_a_line_that_breaks_leaves_what_was_written(chat: ChatPage) -> None:
    body = (
        'event: start\ndata: {"id":"chat_1","created_at":"2026-01-01T00:00:00Z","model":"m",'
        '"context":{"window":9,"prompt_tokens":1,"dropped_messages":0,"dropped_tokens":0},'
        '"conversation_id":"conv_1","message_id":"msg_2","parent_id":"msg_1"}\n\n'
        'event: token\ndata: {"text":"half of"}\n\n'
    )
    chat.browser.route("**/chat/stream", lambda route: route.fulfill(status=200, body=body))
    chat.send("hello")
    expect(chat.answers.last).to_contain_text("half of")
    expect(chat.answers.last).to_contain_text("The connection was lost.")


def test_a_conversation_that_is_gone_is_told_and_another_can_begin(
    open_page: OpenPage, server: Server
) -> None:
    chat = open_page(server, "#conv_nowhere")
    alert = chat.browser.get_by_role("alert")
    expect(alert).to_contain_text("There is no such conversation")
    chat.button("New chat").click()
    expect(alert).to_have_count(0)
    expect(chat.ask("hello")).to_contain_text("You said: hello")


def test_an_engine_that_dies_is_told_and_the_question_can_be_asked_again(
    dying: Server, open_page: OpenPage
) -> None:
    chat = open_page(dying)
    chat.send("#crash=2 one two three")
    expect(chat.answers.last).to_contain_text("The engine stopped unexpectedly")
    dying.wait_for("ok")
    expect(chat.ask("after it")).to_contain_text("You said: after it")


def test_who_has_no_key_is_asked_once_and_again_when_it_matters(
    closed: tuple[Server, str], open_page: OpenPage
) -> None:
    chat = open_page(closed[0])
    dialog = chat.browser.get_by_role("dialog")
    dialog.get_by_role("button", name="Close").click()
    expect(chat.browser.get_by_role("navigation").get_by_role("alert")).to_contain_text("API key")
    with chat.browser.expect_response("**/health"):  # looked at again, quietly
        pass
    expect(dialog).to_have_count(0)
    chat.send("hello")
    expect(dialog).to_be_visible()
    dialog.get_by_role("button", name="Close").click()
    expect(chat.box).to_have_value("hello")


@pytest.mark.parametrize(
    ("status", "reason"),
    [("loading", "smollm2.gguf is being fetched: 45% so far."), ("failed", "Too little memory.")],
)
def test_what_the_engine_does_is_said_where_one_writes(
    chat: ChatPage, server: Server, status: str, reason: str
) -> None:
    body = server.health() | {"status": "loading"}
    body["models"]["text"] |= {"status": status, "reason": reason}
    chat.browser.route("**/health", lambda route: route.fulfill(status=503, json=body))
    chat.browser.reload()
    expect(chat.browser.locator("form").get_by_text(reason)).to_be_visible()
    chat.browser.unroute("**/health")
    expect(chat.browser.get_by_text(reason)).to_have_count(0)


def test_a_key_is_asked_for_checked_and_kept(
    closed: tuple[Server, str], open_page: OpenPage
) -> None:
    server, key = closed
    chat = open_page(server)
    dialog = chat.browser.get_by_role("dialog")
    expect(dialog).to_contain_text("This server asks for an API key.")
    dialog.get_by_label("API key").fill("sk-wrong")
    dialog.get_by_role("button", name="Continue").click()
    expect(dialog).to_contain_text("The server did not accept this key.")
    dialog.get_by_label("API key").fill(key)
    dialog.get_by_label("Keep it on this device").check()
    dialog.get_by_role("button", name="Continue").click()
    expect(dialog).to_have_count(0)
    expect(chat.ask("hello")).to_contain_text("You said: hello")
    chat.browser.reload()
    expect(chat.answers).to_contain_text("You said: hello")
    expect(dialog).to_have_count(0)


@pytest.fixture
def dying(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server whose engine may be killed."""
    with running(tmp_path_factory.mktemp("dying"), {"SLLM_MODEL_PATH": "scripted"}) as server:
        yield server


@pytest.fixture
def closed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, str]]:
    with support.closed(tmp_path_factory.mktemp("closed")) as closed:
        yield closed
