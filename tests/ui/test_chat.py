"""Asking, reading, stopping, asking again: what one does all day."""

import re
from contextlib import ExitStack

from playwright.sync_api import expect

from tests.support import Server
from tests.ui.conftest import OpenPage
from tests.ui.page import ChatPage


def test_the_words_come_one_by_one_and_are_there_after_a_reload(chat: ChatPage) -> None:
    # Slow enough for a browser that shares its cores.
    chat.send("one two three #pace=250 four five six seven eight")
    expect(chat.answers.last).to_contain_text("You said: one")
    expect(chat.button("Stop")).to_be_visible()
    expect(chat.answers.last).not_to_contain_text("eight", timeout=100)
    chat.settled()
    chat.browser.reload()
    expect(chat.answers).to_contain_text("You said: one two three #pace=250 four five six")
    expect(chat.questions).to_contain_text("one two three")
    assert re.search(r"#conv_\w+$", chat.browser.url)


def test_an_answer_that_is_stopped_is_kept_as_far_as_it_came(chat: ChatPage) -> None:
    chat.send("#words=2000 #pace=20")
    expect(chat.answers.last).to_contain_text("word3")
    chat.button("Stop").click()
    expect(chat.answers.last).to_contain_text("Stopped here.")
    chat.browser.reload()
    expect(chat.answers.last).to_contain_text("word3")
    expect(chat.answers.last).to_contain_text("Stopped here.")


def test_a_reload_while_it_writes_shows_what_was_written(chat: ChatPage) -> None:
    chat.send("#words=2000 #pace=20")
    expect(chat.answers.last).to_contain_text("word3")
    chat.browser.reload()
    expect(chat.answers.last).to_contain_text("word3")
    expect(chat.answers.last).to_contain_text("Stopped here.")


def test_an_answer_that_another_page_writes_grows_here_too(
    chat: ChatPage, open_page: OpenPage, server: Server
) -> None:
    chat.send("#words=60 #pace=100")
    expect(chat.answers.last).to_contain_text("word1")
    other = open_page(server, "#" + chat.browser.url.partition("#")[2])
    expect(other.answers.last).to_contain_text("The answer is being written")
    other.settled()
    expect(other.answers.last).to_contain_text("word59")
    chat.settled()


def test_one_steps_between_an_answer_and_another_to_the_same_question(chat: ChatPage) -> None:
    chat.ask("something")
    chat.button("Answer anew").click()
    expect(chat.answers.last).to_contain_text("2/2")
    chat.settled()
    # Shown at once, but kept only when the server has been told.
    with chat.browser.expect_response(lambda answer: answer.request.method == "PATCH"):
        chat.button("Previous version").click()
    expect(chat.answers.last).to_contain_text("1/2")
    chat.browser.reload()
    expect(chat.answers.last).to_contain_text("1/2")


def test_an_edited_message_is_answered_on_a_branch_of_its_own(chat: ChatPage) -> None:
    chat.ask("apples")
    chat.ask("and more of them")
    first = chat.questions.first
    first.hover()
    first.get_by_role("button", name="Edit").click()
    edit = chat.browser.get_by_role("textbox", name="Edit your message")
    edit.fill("pears")
    edit.press("Enter")
    expect(chat.answers).to_have_count(1)
    expect(chat.answers.last).to_contain_text("You said: pears")
    chat.settled()
    chat.button("Previous version").click()
    expect(chat.answers).to_have_count(2)
    expect(chat.answers.last).to_contain_text("and more of them")


def test_markdown_code_and_formulas_are_drawn(chat: ChatPage) -> None:
    answer = chat.ask(
        "of it:\n\n# Fruit\n\n| Name | Count |\n|---|---|\n| Apples | 12 |\n\n- **ripe**\n\n"
        "```python\ndef eat():\n    return None\n```\n\nand $x^2$ of it"
    )
    expect(answer.get_by_role("heading", name="Fruit")).to_be_visible()
    expect(answer.get_by_role("cell", name="12")).to_be_visible()
    expect(answer.locator("li strong")).to_have_text("ripe")
    expect(answer.locator("pre .hljs-keyword").first).to_have_text("def")
    expect(answer.locator(".katex math")).to_have_count(1)


def test_emphasis_may_be_followed_by_a_korean_particle(chat: ChatPage) -> None:
    answer = chat.ask("다음과 같습니다.\n\n**소수(prime)**는 **중요**하고 a**b** *c*, 2 ** 3은 8")
    expect(answer.locator("strong")).to_have_text(["소수(prime)", "중요", "b"])
    expect(answer).to_contain_text("2 ** 3은 8")


def test_code_is_copied_as_it_is(chat: ChatPage) -> None:
    chat.browser.context.grant_permissions(["clipboard-read", "clipboard-write"])
    answer = chat.ask("this:\n\n```python\nif a < b and c:\n    pass\n```")
    answer.get_by_role("button", name="Copy code").click()
    expect(answer.get_by_text("Copied")).to_have_count(1)
    copied = chat.browser.evaluate("navigator.clipboard.readText()")
    assert copied == "if a < b and c:\n    pass"


def test_how_fast_how_much_and_what_is_left_of_the_window_is_shown(chat: ChatPage) -> None:
    chat.ask("one two three")
    answer = chat.answers.last
    expect(answer).to_contain_text("tokens/s")
    answer.get_by_role("button", name="Details of this answer").click()
    expect(answer).to_contain_text("5 tokens")
    meter = chat.browser.get_by_role("meter", name="Context")
    expect(meter).to_have_attribute("aria-valuetext", re.compile(r"^\d+ of 4,096 tokens"))
    before = int(meter.get_attribute("aria-valuenow") or 0)
    chat.box.fill("four more words here")
    expect(meter).to_have_attribute("aria-valuenow", str(before + 4))


def test_reading_a_long_prompt_shows_how_far_it_is(chat: ChatPage) -> None:
    chat.send("#prefill=300 " + "word " * 600)
    expect(chat.browser.get_by_text(re.compile(r"Reading the prompt: \d+%"))).to_be_visible()
    chat.settled()


def test_who_waits_is_told_the_place_in_the_queue(chat: ChatPage, server: Server) -> None:
    slots = server.health()["models"]["text"]["slots"]["total"]
    body = {"message": "#words=4000 #pace=50"}
    with ExitStack() as others:
        asked = [server.http.stream("POST", "/api/v2/chat/stream", json=body) for _ in range(slots)]
        streams = [others.enter_context(each).iter_lines() for each in asked]
        assert [next(stream) for stream in streams] == ["event: start"] * slots
        chat.send("hello")
        expect(chat.browser.get_by_text("Waiting: place 1 in the queue")).to_be_visible()
    chat.settled()
    expect(chat.answers).to_contain_text("You said: hello")


def test_what_the_model_no_longer_sees_is_marked(chat: ChatPage) -> None:
    chat.ask("long " * 2000)
    expect(chat.browser.get_by_text("no longer sees")).to_have_count(0)
    answer = chat.ask("#words=3 " + "long " * 2000)
    expect(chat.browser.get_by_text("The model no longer sees what is above")).to_be_visible()
    answer.get_by_role("button", name="Details of this answer").click()
    expect(answer).to_contain_text("2 earlier messages (")


def test_settings_of_a_conversation_reach_the_model_and_last(chat: ChatPage) -> None:
    chat.button("Settings of this conversation").click()
    dialog = chat.browser.get_by_role("dialog")
    dialog.get_by_label("System prompt").fill("Be brief.")
    dialog.get_by_label("Longest answer").fill("7")
    chat.button("Save").click()
    answer = chat.ask("#show=1 a b c d e f g h i j k l")
    expect(answer).to_contain_text("[system: Be brief.]")
    expect(chat.ask("#words=20")).to_contain_text("The answer reached its limit of tokens.")
    chat.browser.reload()
    expect(chat.answers).to_have_count(2)
    chat.button("Settings of this conversation").click()
    expect(dialog.get_by_label("Longest answer")).to_have_value("7")
    expect(dialog.get_by_label("System prompt")).to_have_value("Be brief.")
