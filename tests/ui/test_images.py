"""Pictures: chosen, dropped, pasted, seen, refused."""

from io import BytesIO

import pytest
from PIL import Image
from playwright.sync_api import FilePayload, expect

from tests.support import Server
from tests.ui.conftest import OpenPage
from tests.ui.page import ChatPage

# Makes a file of bytes and gives it to the page as a browser does.
DROP = """([name, type, bytes]) => {
  const transfer = new DataTransfer();
  transfer.items.add(new File([new Uint8Array(bytes)], name, { type }));
  for (const event of ['dragover', 'drop']) {
    const options = { dataTransfer: transfer, bubbles: true, cancelable: true };
    document.body.dispatchEvent(new DragEvent(event, options));
  }
}"""
PASTE = """([name, type, bytes]) => {
  const transfer = new DataTransfer();
  transfer.items.add(new File([new Uint8Array(bytes)], name, { type }));
  const options = { clipboardData: transfer, bubbles: true, cancelable: true };
  document.getElementById('message').dispatchEvent(new ClipboardEvent('paste', options));
}"""


def png(width: int = 40, height: int = 20) -> bytes:
    made = BytesIO()
    Image.new("RGB", (width, height), "teal").save(made, "PNG")
    return made.getvalue()


def test_a_chosen_picture_is_seen_and_stays(chat: ChatPage) -> None:
    files = [FilePayload(name="teal.png", mimeType="image/png", buffer=png())]
    chat.browser.get_by_label("Add images").set_input_files(files)
    expect(chat.button("Remove teal.png")).to_be_visible()
    answer = chat.ask("What is it?")
    expect(answer).to_contain_text("I see 1 image: 40x20")
    expect(chat.questions.get_by_role("img")).to_have_count(1)
    chat.browser.reload()
    expect(chat.questions.get_by_role("img")).to_have_js_property("naturalWidth", 40)
    expect(chat.ask("And now?")).to_contain_text("I see 1 image: 40x20")


@pytest.mark.parametrize("script", [DROP, PASTE], ids=["dropped", "pasted"])
def test_a_picture_comes_by_hand(chat: ChatPage, script: str) -> None:
    expect(chat.browser.get_by_role("meter")).to_be_visible()
    chat.browser.evaluate(script, ["a.png", "image/png", list(png(64, 32))])
    expect(chat.button("Remove a.png")).to_be_visible()
    chat.box.press("Enter")
    expect(chat.answers.last).to_contain_text("I see 1 image: 64x32")
    expect(chat.questions).to_contain_text("What is in this picture?")


def test_what_is_no_picture_is_refused_with_a_reason(chat: ChatPage) -> None:
    expect(chat.browser.get_by_role("meter")).to_be_visible()
    chat.browser.evaluate(DROP, ["notes.txt", "text/plain", [104, 105]])
    expect(chat.browser.get_by_role("alert")).to_contain_text("“notes.txt” is no image")
    expect(chat.button("Remove notes.txt")).to_have_count(0)


def test_a_damaged_picture_is_told_and_the_words_stay(chat: ChatPage) -> None:
    expect(chat.browser.get_by_role("meter")).to_be_visible()
    chat.browser.evaluate(DROP, ["bad.png", "image/png", [1, 2, 3]])
    chat.send("What is it?")
    expect(chat.browser.get_by_role("alert")).to_contain_text("Only PNG, JPEG, WebP and GIF")
    expect(chat.box).to_have_value("What is it?")
    expect(chat.button("Remove bad.png")).to_be_visible()


def test_too_many_pictures_are_told(chat: ChatPage) -> None:
    files = [
        FilePayload(name=f"{number}.png", mimeType="image/png", buffer=png(number, 9))
        for number in range(1, 6)
    ]
    chat.browser.get_by_label("Add images").set_input_files(files)
    expect(chat.browser.get_by_role("alert")).to_contain_text("at most 4 images")
    expect(chat.browser.get_by_role("button", name="Remove")).to_have_count(4)


def test_without_a_model_that_sees_the_page_says_so(blind: Server, open_page: OpenPage) -> None:
    chat = open_page(blind)
    expect(chat.browser.get_by_role("meter")).to_be_visible()
    chat.browser.evaluate(DROP, ["a.png", "image/png", list(png())])
    expect(chat.browser.get_by_role("alert")).to_contain_text("VISION_MODEL_PATH")


@pytest.fixture
def blind(scripted_server: Server) -> Server:
    return scripted_server
