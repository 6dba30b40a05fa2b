"""What was read in the images of a form: repeated fields, in the order of the files."""

import pytest

from tests.images.samples import plain
from tests.support import Server
from tests.v5.forms import MESSAGE, file, send
from tests.v5.support import CHAT, ask, image, refusal


def test_texts_go_with_the_files_in_their_order(vision: Server) -> None:
    exit_ = ("ocr", "출구".encode(), "")
    answer = send(vision, ("ocr", b"EXIT", ""), file(), MESSAGE, file("b.png"), exit_)
    assert answer.status_code == 200, answer.text
    said = answer.json()["response"]
    assert said.endswith("[Text in image 1: EXIT]\n\n[Text in image 2: 출구]\n\nwhat?")


def test_an_empty_text_is_none_and_the_last_may_be_left_out(vision: Server) -> None:
    answer = send(vision, MESSAGE, ("ocr", b"", ""), ("ocr", b"B", ""), *[file()] * 3)
    assert answer.json()["response"].endswith("You said: [Text in image 2: B]\n\nwhat?")


def test_a_form_says_what_json_says(vision: Server) -> None:
    """Names and texts are part of what is asked: the same key finds the same answer."""
    headers = {"Idempotency-Key": "form-and-json"}
    about = {"filename": "문.png", "ocr": "EXIT"}
    first = ask(vision.http, "what?", image() | about, headers=headers)
    parts = {"image": ("other.png", plain())}
    fields = {"message": "what?"} | about
    answer = vision.http.post(CHAT, data=fields, files=parts, headers=headers)
    assert answer.json() == first


@pytest.mark.parametrize("name", ["ocr", "filename", "lens_keywords", "lens_local_keywords"])
def test_more_texts_than_images_are_refused(vision: Server, name: str) -> None:
    answer = send(vision, MESSAGE, file(), (name, b"a", ""), (name, b"b", ""))
    assert refusal(answer) == (422, "invalid_request", name)
    assert refusal(send(vision, MESSAGE, (name, b"", ""))) == (422, "invalid_request", name)


def test_texts_of_a_form_are_as_strict_as_json(vision: Server) -> None:
    long = send(vision, MESSAGE, file(), ("ocr", b"a" * 70_000, ""))
    assert refusal(long) == (422, "invalid_request", "images.0.ocr")
    assert refusal(send(vision, MESSAGE, file(), ("ocr", b"\xff", "")))[2] == "ocr"
    lens = send(vision, MESSAGE, file(), ("lens_keywords", b"door", ""))
    assert refusal(lens) == (400, "unsupported_by_engine", "images")


def test_the_document_of_the_form_has_them(vision: Server) -> None:
    paths = vision.http.get("/api/v5/openapi.json").json()["paths"]
    body = paths[CHAT]["post"]["requestBody"]["content"]["multipart/form-data"]["schema"]
    for name in ("ocr", "filename", "lens_keywords", "lens_local_keywords"):
        assert body["properties"][name]["type"] == "array"
        assert body["properties"][name]["description"]
