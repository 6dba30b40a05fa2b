"""What of a request's time is told as what."""

import time
from collections.abc import Iterator

from tests.support import Server
from tests.v5.forms import MESSAGE, file, form
from tests.v5.support import CHAT

UPLOAD_SECONDS = 0.3


def test_an_upload_is_part_of_the_whole_but_not_of_waiting(vision: Server) -> None:
    body, headers = form(MESSAGE, file())

    def slowly() -> Iterator[bytes]:
        yield body[:50]
        time.sleep(UPLOAD_SECONDS)
        yield body[50:]

    answer = vision.http.post(CHAT, content=slowly(), headers=headers)
    assert answer.status_code == 200, answer.text
    timings = answer.json()["timings"]
    # Sums, true however long everything else takes.
    assert timings["first_token_ms"] >= UPLOAD_SECONDS * 1000
    assert timings["queue_ms"] + UPLOAD_SECONDS * 1000 <= timings["first_token_ms"]
    assert timings["first_token_ms"] <= timings["total_ms"]
