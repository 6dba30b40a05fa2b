"""`POST /v1/completions`: texts continued as they are."""

from typing import Any

import pytest

from tests.openai.chats import refusal, streamed
from tests.support import Server

PATH = "/v1/completions"


def complete(server: Server, prompt: Any, **fields: Any) -> dict[str, Any]:
    answer = server.http.post(PATH, json={"model": "scripted", "prompt": prompt, **fields})
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


def test_a_text_is_continued_without_a_template(scripted: Server) -> None:
    told = complete(scripted, "one two")
    assert told["object"] == "text_completion"
    assert told["id"].startswith("cmpl-")
    [choice] = told["choices"]
    assert choice == {
        "text": "You said: one two",
        "index": 0,
        "logprobs": None,
        "finish_reason": "stop",
    }
    assert told["usage"]["prompt_tokens"] == 2


def test_several_prompts_have_several_choices(scripted: Server) -> None:
    told = complete(scripted, ["a", "b"], n=2)
    texts = [(choice["index"], choice["text"]) for choice in told["choices"]]
    assert texts == [(0, "You said: a"), (1, "You said: a"), (2, "You said: b"), (3, "You said: b")]
    assert told["usage"]["prompt_tokens"] == 2


def test_log_probabilities_are_lists_side_by_side(scripted: Server) -> None:
    told = complete(scripted, "hi", logprobs=2)["choices"][0]["logprobs"]
    assert told["tokens"] == ["You", " said:", " hi"]
    assert told["text_offset"] == [0, 3, 9]
    assert [*told["top_logprobs"][0]] == ["You", "You?"]


def test_pieces_come_as_they_are_written(scripted: Server) -> None:
    counted = {"include_usage": True}
    *pieces, last = streamed(scripted, "hi", path=PATH, stream_options=counted, logprobs=0)
    choices = [piece["choices"][0] for piece in pieces]
    assert [choice["text"] for choice in choices] == ["You", " said:", " hi", ""]
    assert [choice["finish_reason"] for choice in choices] == [None, None, None, "stop"]
    offsets = [choice["logprobs"]["text_offset"] for choice in choices[:-1]]
    assert offsets == [[0], [3], [9]]
    assert last["choices"] == []
    assert last["usage"]["completion_tokens"] == 3


@pytest.mark.parametrize(
    ("fields", "status", "place"),
    [
        ({"echo": True}, 400, "echo"),
        ({"best_of": 3}, 400, "best_of"),
        ({"suffix": "end"}, 400, "suffix"),
        ({"logit_bias": {"1": 1}}, 400, "logit_bias"),
        ({"prompt": ""}, 422, "prompt"),
        ({"prompt": [1, 2]}, 422, "prompt.0"),
        ({"messages": []}, 422, "messages"),
    ],
)
def test_what_cannot_be_is_named(
    scripted: Server, fields: dict[str, Any], status: int, place: str | None
) -> None:
    answer = scripted.http.post(PATH, json={"model": "scripted", "prompt": "hi", **fields})
    assert (answer.status_code, refusal(answer)[2]) == (status, place)
