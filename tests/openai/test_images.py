"""Images in chat completions: shown to the model that sees, and not kept."""

from typing import Any

from tests.images.samples import in_base64, plain
from tests.openai.chats import CHAT, body_of, chat, message_of, refusal
from tests.support import Server

RED = "data:image/png;base64," + in_base64(plain(40, 20, (255, 0, 0)))


def seen(*urls: str, text: str = "look") -> list[dict[str, Any]]:
    parts = [{"type": "image_url", "image_url": {"url": url, "detail": "auto"}} for url in urls]
    return [{"role": "user", "content": [{"type": "text", "text": text}, *parts]}]


def test_the_model_that_sees_answers(vision: Server) -> None:
    for model in ("scripted-vision", "scripted"):
        told = chat(vision, seen(RED), model=model)
        assert told["model"] == "scripted-vision"
        assert message_of(told)["content"].startswith("I see 1 image: 40x20 #")


def test_it_answers_without_images_where_it_is_named(vision: Server) -> None:
    assert chat(vision, "hi", model="scripted-vision")["model"] == "scripted-vision"


def test_nothing_is_kept(vision: Server) -> None:
    folder = vision.log_path.parent / "images"
    before = sorted(path.name for path in folder.rglob("*.png"))
    chat(vision, seen(RED))
    assert sorted(path.name for path in folder.rglob("*.png")) == before
    assert not list((folder / "leases").iterdir())


def test_what_is_no_image_is_refused(vision: Server) -> None:
    for url, status, code in (
        ("data:image/png;base64,AAAA", 415, "unsupported_media_type"),
        ("data:image/svg+xml;base64,AAAA", 415, "unsupported_media_type"),
        ("data:image/png;base64,!", 400, "invalid_image"),
        ("http://127.0.0.1/a.png", 400, "image_url_not_allowed"),
        ("file:///etc/passwd", 400, "image_url_not_allowed"),
    ):
        answer = vision.http.post(CHAT, json=body_of(seen(url)))
        assert refusal(answer) == (status, code, "messages")


def test_too_many_are_refused(vision: Server) -> None:
    answer = vision.http.post(CHAT, json=body_of(seen(*[RED] * 5)))
    assert refusal(answer) == (400, "invalid_parameter", "messages")


def test_room_for_images_is_no_room_for_words(vision: Server) -> None:
    large = "data:image/png;base64," + "AAAA" * (5 * 2**18)
    answer = vision.http.post(CHAT, json=body_of(seen(large)))
    assert refusal(answer) == (415, "unsupported_media_type", "messages")
    words = [{"type": "text", "text": "x" * 2**20}] * 5
    answer = vision.http.post(CHAT, json=body_of([{"role": "user", "content": words}]))
    assert refusal(answer) == (413, "too_large", None)
    items = {"items": [{"role": "user", "content": "x" * 2**20}] * 5}
    assert refusal(vision.http.post("/v1/conversations", json=items)) == (413, "too_large", None)


def test_without_a_model_that_sees_the_way_to_one_is_told(scripted: Server) -> None:
    answer = scripted.http.post(CHAT, json=body_of(seen(RED)))
    assert answer.status_code == 503
    assert answer.headers["retry-after"]
    assert refusal(answer)[1] == "model_unavailable"
