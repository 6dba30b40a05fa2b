"""Requests with images that are not as they should be: told apart, and nothing is left of them."""

import secrets
from typing import Any

import pytest

from tests.images import samples
from tests.images.samples import in_base64, plain
from tests.support import Server
from tests.v5.forms import MESSAGE, file, form, send
from tests.v5.support import CHAT, ask, files, image, refusal


@pytest.fixture(autouse=True)
def _nothing_is_left(vision: Server) -> Any:
    kept = files(vision.log_path.parent)
    yield
    assert set(files(vision.log_path.parent)) <= {*kept, RED}


# Of the pictures that some of these do store.
RED = "f11b70cf05777a0f01640314f717df9b7584d3a81755edc1a69633abd21bdcbb"

PNG_URL = "data:image/png;base64,"
BASE64 = {
    "without padding": "AAA",
    "a line break": "A\nA=",
    "the URL alphabet": "-_-_",
    "no ASCII": "안녕하세요",
    "a blank": " ",
    "no base64 URL": "data:image/png,hello",
    "no comma": "data:image/png;base64",
    "padding inside": "AA==AAAA",
}


@pytest.mark.parametrize("name", BASE64)
def test_base64_is_read_strictly(vision: Server, name: str) -> None:
    body = {"message": "what?", "images": [{"data": BASE64[name]}]}
    assert refusal(vision.http.post(CHAT, json=body)) == (400, "invalid_image", "images")


OTHER_KINDS = [
    "data:image/svg+xml;base64,PHN2Zy8+",
    "data:text/html;base64,PGI+",
    "data:;base64,AAAA",
    "data:image/tiff;base64,SUkqAA==",
    in_base64(b"<svg xmlns='http://www.w3.org/2000/svg'/>"),
    in_base64(b"%PDF-1.7"),
]


@pytest.mark.parametrize("data", OTHER_KINDS)
def test_other_kinds_are_not_taken(vision: Server, data: str) -> None:
    body = {"message": "what?", "images": [{"data": data}]}
    answer = vision.http.post(CHAT, json=body)
    assert refusal(answer) == (415, "unsupported_media_type", "images")
    assert "PNG, JPEG, WebP" in answer.json()["error"]["message"]


DECLARED = [
    "image/jpg", "image/jpeg", "image/x-png", "IMAGE/PNG", "application/octet-stream",
]  # fmt: skip


@pytest.mark.parametrize("declared", DECLARED)
def test_the_file_counts_not_what_its_url_says(vision: Server, declared: str) -> None:
    url = f"data:{declared};base64,{in_base64(plain())}"
    assert ask(vision.http, "what?", {"data": url})["images"][0]["media_type"] == "image/png"
    page = f"data:{declared};base64,{in_base64(b'<html></html>')}"
    ask(vision.http, "what?", {"data": page}, expect=415)


BAD_IMAGES = {
    "nothing": b"",
    "cut": plain()[:60],
    "long": samples.plain(52_800, 44),
    "a thread": samples.png_header(1, 1_000_000),
    "a bomb": samples.bomb(13_312),
    "huge": samples.png_header(2**31 - 1, 2**31 - 1),
}


@pytest.mark.parametrize("name", BAD_IMAGES)
def test_a_bad_image_is_the_client_s_error(vision: Server, name: str) -> None:
    data = BAD_IMAGES[name]
    for answer in (
        vision.http.post(
            CHAT, json={"message": "?", "images": [{"data": PNG_URL + in_base64(data)}]}
        ),
        send(vision, MESSAGE, file(data=data)),
    ):
        assert refusal(answer) == (400, "invalid_image", "images")
        assert "Error" not in answer.text


def test_one_bad_image_of_two_keeps_neither(vision: Server) -> None:
    kept = files(vision.log_path.parent)
    answer = send(vision, MESSAGE, file(data=plain(31, 37, "navy")), file(data=plain()[:60]))
    assert refusal(answer)[1] == "invalid_image"
    assert files(vision.log_path.parent) == kept


def test_too_many_images_and_too_large_ones(vision: Server) -> None:
    body = {"message": "?", "images": [image()] * 5}
    assert refusal(vision.http.post(CHAT, json=body)) == (400, "invalid_parameter", "images")
    large = plain() + b"\0" * 10_485_760
    assert refusal(send(vision, MESSAGE, file(data=large))) == (413, "too_large", "images")
    data = {"message": "?", "images": [{"data": "A" * 30_000_000}]}
    assert vision.http.post(CHAT, json=data).status_code == 413


SOURCES: list[tuple[Any, int, str]] = [
    ({}, 422, "invalid_request"),
    ({"data": "AAAA", "id": "img_1"}, 422, "invalid_request"),
    ({"data": 5}, 422, "invalid_request"),
    ({"data": ""}, 422, "invalid_request"),
    ({"data": "AAAA", "detail": "high"}, 422, "invalid_request"),
    ({"data": "AAAA", "ocr": 5}, 422, "invalid_request"),
    ("AAAA", 422, "invalid_request"),
    ({"id": "img_" + "0" * 32}, 404, "not_found"),
    ({"id": "../../etc/passwd"}, 404, "not_found"),
    ({"url": "https://example.com/a.png"}, 400, "image_url_not_allowed"),
    ({"url": "file:///etc/passwd"}, 400, "image_url_not_allowed"),
    ({"data": "AAAA", "filename": "a\0b"}, 400, "invalid_json"),
]


@pytest.mark.parametrize(("source", "status", "code"), SOURCES)
def test_a_source_is_one_of_three(vision: Server, source: Any, status: int, code: str) -> None:
    answer = vision.http.post(CHAT, json={"message": "?", "images": [source]})
    assert refusal(answer)[:2] == (status, code)


def test_a_form_takes_the_options_of_json(vision: Server) -> None:
    answer = send(
        vision,
        MESSAGE,
        file("사진.png"),
        file("b.png"),
        ("max_tokens", b"3", ""),
        ("temperature", b"0", ""),
        ("stop", b"END", ""),
        ("stop", b"\n\n", ""),
        ("metadata", b'{"project": "report"}', ""),
        ("images", b"null", ""),
    )
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert (body["finish_reason"], body["usage"]["completion_tokens"]) == ("length", 3)
    assert [each["width"] for each in body["images"]] == [40, 40]
    kept = vision.http.get(f"/api/v5/conversations/{body['conversation_id']}").json()
    assert kept["metadata"] == {"project": "report"}


FIELDS = [
    ("max_tokens", b"0"),
    ("max_tokens", b"1.5"),
    ("max_tokens", b"1e3"),
    ("max_tokens", b"many"),
    ("max_tokens", b"true"),
    ("max_tokens", b'"5"'),
    ("temperature", b"NaN"),
    ("temperature", b"3"),
    ("seed", b"-1"),
    ("metadata", b"[]"),
    ("metadata", b"{"),
    ("history", b"[]"),
    ("Message", b"hello"),
    ("file", b"hello"),
    ("conversation_id", b"x" * 65),
]


@pytest.mark.parametrize(("name", "data"), FIELDS)
def test_a_form_is_as_strict_as_json(vision: Server, name: str, data: bytes) -> None:
    assert refusal(send(vision, MESSAGE, (name, data, ""))) == (422, "invalid_request", name)


@pytest.mark.parametrize("field", ["images", "file", "image[]"])
def test_a_file_in_another_field_is_told_where_it_goes(vision: Server, field: str) -> None:
    answer = send(vision, MESSAGE, (field, plain(), '; filename="a.png"'))
    assert refusal(answer)[:2] == (400, "invalid_parameter")
    assert "Files go into the field image." in answer.json()["error"]["message"]


NAMES = ["../../etc/passwd", "a\\b.png", "그림 🎨.png", "", "x" * 4000, "a%00b", "con", "a;b"]


@pytest.mark.parametrize("name", NAMES)
def test_a_file_s_name_is_only_a_name(vision: Server, name: str) -> None:
    assert send(vision, MESSAGE, file(name)).status_code == 200


@pytest.mark.parametrize("rest", ['; filename="a\0b"', '; filename="\x01"', "; filename*=UTF-8''x"])
def test_a_strange_name_does_no_harm(vision: Server, rest: str) -> None:
    answer = send(vision, MESSAGE, ("image", plain(), rest))
    assert answer.status_code in (200, 400)


def test_a_head_of_a_part_may_not_be_endless(vision: Server) -> None:
    answer = send(vision, MESSAGE, ("image", plain(), f'; filename="{"x" * 100_000}"'))
    assert refusal(answer) == (400, "invalid_parameter", "body")


BROKEN: dict[str, tuple[tuple[tuple[str, bytes, str], ...], bytes]] = {
    "no end": ((MESSAGE, file()), b""),
    "1,000 parts": ((MESSAGE, *[("stop", b"x", "")] * 1000), b"--"),
    "a part without a name": ((("", b"x", ""),), b"--"),
    "no text": ((("message", b"\xff\xfe", ""),), b"--"),
    "NUL": ((("message", b"a\0b", ""),), b"--"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_form_is_told_as_one(vision: Server, name: str) -> None:
    parts, end = BROKEN[name]
    answer = send(vision, *parts, end=end)
    assert refusal(answer)[:2] == (400, "invalid_parameter")


@pytest.mark.parametrize(
    "media_type",
    ["multipart/form-data; boundary=", "multipart/form-data; x=y", "multipart/form-data;boundary"],
)
def test_a_form_needs_its_boundary(vision: Server, media_type: str) -> None:
    body, _ = form(MESSAGE, file())
    answer = vision.http.post(CHAT, content=body, headers={"Content-Type": media_type})
    assert refusal(answer) == (400, "invalid_parameter", "body")


@pytest.mark.parametrize(
    "media_type", ["text/plain", "application/x-www-form-urlencoded", "image/png"]
)
def test_other_bodies_are_not_taken(vision: Server, media_type: str) -> None:
    answer = vision.http.post(CHAT, content=plain(), headers={"Content-Type": media_type})
    assert refusal(answer)[:2] == (415, "unsupported_media_type")


def test_a_field_twice_and_a_form_without_words(vision: Server) -> None:
    assert refusal(send(vision, MESSAGE, MESSAGE)) == (422, "invalid_request", "message")
    assert refusal(send(vision, file())) == (422, "invalid_request", "message")
    assert send(vision, MESSAGE).status_code == 200  # words alone are a chat


def test_no_image_survives_being_refused_in_the_log(vision: Server) -> None:
    marker = secrets.token_hex(12)
    ask(vision.http, "?", {"data": in_base64(marker.encode())}, expect=415)
    assert marker not in vision.log
    assert in_base64(marker.encode()) not in vision.log
