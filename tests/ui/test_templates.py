"""Templates, and the form for what one needs to know."""

from playwright.sync_api import expect

from tests.support import Server
from tests.ui.page import ChatPage


def test_a_template_asks_for_its_variables_and_speaks_with_them(chat: ChatPage) -> None:
    chat.browser.get_by_role("main").get_by_role("button", name="SQL assistant").click()
    form = chat.browser.get_by_role("dialog")
    form.get_by_label("schema").fill("orders(id, amount)")
    form.get_by_label("dialect").select_option("SQLite")
    form.get_by_label("read_only").check()
    form.get_by_role("button", name="Use it").click()
    expect(chat.box).to_be_focused()
    expect(chat.button("Remove the template SQL assistant")).to_be_visible()
    answer = chat.ask("#show=1 how many orders?")
    expect(answer).to_contain_text("You write SQLite queries")
    expect(answer).to_contain_text("orders(id, amount)")
    expect(answer).to_contain_text("Read-only mode is true")


def test_the_form_is_as_the_variables_are(chat: ChatPage, server: Server) -> None:
    variables = [
        {"name": "count", "type": "number", "default": 3},
        {"name": "tone", "type": "enum", "values": ["dry", "warm"], "required": True},
        {"name": "short", "type": "boolean", "default": True},
    ]
    body = {"name": "typed", "system": "{{count}} {{tone}} {{short}}", "variables": variables}
    assert server.http.post("/api/v5/prompt/templates", json=body).status_code == 201
    chat.button("Template").click()
    chat.browser.get_by_role("dialog").get_by_role("button", name="typed").click()
    form = chat.browser.get_by_role("dialog")
    expect(form.get_by_label("count")).to_have_attribute("type", "number")
    expect(form.get_by_label("short")).to_be_checked()
    form.get_by_role("button", name="Use it").click()
    expect(form.get_by_label("tone")).to_be_focused()  # it is needed
    form.get_by_label("tone").select_option("warm")
    form.get_by_label("count").fill("5")
    form.get_by_label("short").uncheck()
    form.get_by_role("button", name="Use it").click()
    expect(chat.ask("#show=1")).to_contain_text("[system: 5 warm false]")
    assert server.http.delete("/api/v5/prompt/templates/typed").status_code == 204
