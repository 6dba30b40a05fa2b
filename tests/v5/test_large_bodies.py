"""As many of the largest images as a message may bring, in both forms, and what they take."""

import json
import os
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from app.v5.body_room import BodyRoom
from app.v5.config import WORDS_BYTES, vision_body_limit
from tests.edge.raw_http import RawServer, request_bytes
from tests.images.samples import in_base64, noise, plain
from tests.support import Server
from tests.v5.forms import MESSAGE, file, form, send
from tests.v5.support import CHAT, ask, files, refusal

MIB = 1024 * 1024
LARGEST = 10 * MIB


@cache
def largest() -> tuple[bytes, ...]:
    """Two PNG and two JPEG of exactly MAX_IMAGE_BYTES, no two alike."""
    kinds = ((1860, "PNG"), (1864, "PNG"), (1586, "JPEG"), (1592, "JPEG"))
    made = tuple(noise(side, format_, LARGEST) for side, format_ in kinds)
    assert [len(data) for data in made] == [LARGEST] * 4
    return made


def peak(server: Server) -> int:
    """Bytes of memory that the server has had at once since `forget_peak`."""
    lines = Path(f"/proc/{server.process.pid}/status").read_text().splitlines()
    [line] = [line for line in lines if line.startswith("VmHWM")]
    return int(line.split()[1]) * 1024


def forget_peak(server: Server) -> int:
    Path(f"/proc/{server.process.pid}/clear_refs").write_text("5")
    return server.root().memory_info().rss


def forget(server: Server, told: dict[str, Any]) -> None:
    server.http.delete(f"/api/v5/conversations/{told['conversation_id']}")


def test_four_of_the_largest_images_in_a_form(vision: Server) -> None:
    body, headers = form(MESSAGE, *(file(f"{n}", data) for n, data in enumerate(largest())))
    before = forget_peak(vision)
    answer = vision.http.post(CHAT, content=body, headers=headers)
    assert answer.status_code == 200, answer.text
    assert [each["width"] for each in answer.json()["images"]] == [1860, 1864, 1586, 1592]
    # One image at a time, on its way to a helper.
    assert peak(vision) - before < 4 * LARGEST
    forget(vision, answer.json())


def test_four_of_the_largest_images_in_json(vision: Server) -> None:
    images = [{"data": in_base64(data)} for data in largest()]
    before = forget_peak(vision)
    told = ask(vision.http, "what?", *images)
    assert [each["media_type"] for each in told["images"]] == ["image/png"] * 2 + ["image/jpeg"] * 2
    assert peak(vision) - before < 5 * (4 * LARGEST * 4 // 3)
    forget(vision, told)


def test_one_byte_more_is_refused_in_both_forms(vision: Server) -> None:
    kept = files(vision.log_path.parent)
    large = [*largest()[:3], noise(1860, "PNG", LARGEST + 1)]
    answer = send(vision, MESSAGE, *(file("a", data) for data in large))
    assert refusal(answer) == (413, "too_large", "images")
    body = {"message": "what?", "images": [{"data": in_base64(data)} for data in large]}
    assert refusal(vision.http.post(CHAT, json=body)) == (413, "too_large", "images")
    assert files(vision.log_path.parent) == kept


def test_a_fifth_image_in_a_form_is_told_as_in_json(vision: Server) -> None:
    answer = send(vision, MESSAGE, *[file()] * 5)
    assert refusal(answer) == (400, "invalid_parameter", "images")


def test_words_have_a_bound_of_their_own_in_a_form(vision: Server) -> None:
    answer = send(vision, ("message", b"a" * (WORDS_BYTES + 1), ""), file())
    assert refusal(answer) == (413, "too_large", "message")


def test_the_limit_of_a_body_follows_from_the_settings(vision: Server) -> None:
    limit = vision_body_limit(4, LARGEST)
    assert limit == 4 * len(in_base64(bytes(LARGEST))) + WORDS_BYTES
    head = {"Content-Type": "application/json", "Content-Length": str(limit + 1)}
    answer = RawServer(vision.port).send(request_bytes("POST", CHAT, {"Host": "localhost"} | head))
    assert answer.status == 413
    assert str(limit).encode() in answer.body


def test_many_large_bodies_at_once_are_told_to_come_again() -> None:
    room = BodyRoom(100 * MIB)
    taken = [room.take(size) for size in (100 * MIB, 90 * MIB, MIB)]
    with pytest.raises(Exception, match="images_busy"):
        room.take(11 * MIB)
    for size in taken:
        room.give(size)
    assert room.take(100 * MIB) == room.free == 100 * MIB


def test_room_is_given_back_whatever_came(vision: Server) -> None:
    """More bad requests than there is room for, one after the other."""
    body = json.dumps({"message": 5, "images": [{"data": "A" * 50 * MIB}]}).encode()
    for _ in range(3):
        answer = vision.http.post(CHAT, content=body, headers={"Content-Type": "application/json"})
        assert refusal(answer)[:2] == (422, "invalid_request")
    assert send(vision, MESSAGE, file(data=plain() + os.urandom(3 * MIB))).status_code == 200
