"""`POST /v1/chat/completions`, whole answers: their shape, and what the request's fields do."""

from typing import Any

import pytest

from tests.openai.chats import chat, message_of
from tests.support import Server


def test_an_answer_has_openais_shape(scripted: Server) -> None:
    told = chat(scripted, "hello there")
    assert told["object"] == "chat.completion"
    assert told["id"].startswith("chatcmpl-")
    assert told["model"] == "scripted"
    assert isinstance(told["created"], int)
    assert told["choices"] == [
        {
            "index": 0,
            "message": {
                "role": "assistant",
                "content": "You said: hello there",
                "refusal": None,
            },
            "logprobs": None,
            "finish_reason": "stop",
        }
    ]


def test_the_usage_adds_up(scripted: Server) -> None:
    question = "a question that comes twice " * 20
    chat(scripted, question)
    usage = chat(scripted, question)["usage"]
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]
    assert 0 < usage["prompt_tokens_details"]["cached_tokens"] < usage["prompt_tokens"]


def test_instructions_at_the_front_become_one(scripted: Server) -> None:
    said: list[dict[str, Any]] = [
        {"role": "system", "content": "Be brief."},
        {"role": "developer", "content": [{"type": "text", "text": "Be kind."}]},
        {"role": "user", "content": [{"type": "text", "text": each} for each in ("one", "two")]},
        {"role": "assistant", "content": "three"},
        {"role": "user", "content": "#show=1", "name": "Kim"},
    ]
    shown = "[system: Be brief.\n\nBe kind.][user: one\ntwo][assistant: three][user: #show=1]"
    assert message_of(chat(scripted, said))["content"] == shown


def test_both_names_of_the_length_mean_the_same(scripted: Server) -> None:
    for name in ("max_tokens", "max_completion_tokens"):
        told = chat(scripted, "#words=9", **{name: 2})
        assert message_of(told)["content"] == " word0 word1"
        assert told["choices"][0]["finish_reason"] == "length"


@pytest.mark.parametrize("stop", ["word2", ["word9", " word2"]])
def test_stop_is_a_text_or_a_list(scripted: Server, stop: Any) -> None:
    told = chat(scripted, "#words=5", stop=stop)
    assert message_of(told)["content"].strip() == "word0 word1"


def test_several_answers_come_with_one_request(scripted: Server) -> None:
    told = chat(scripted, "hi", n=3, seed=7)
    assert [choice["index"] for choice in told["choices"]] == [0, 1, 2]
    one = chat(scripted, "hi")["usage"]
    assert told["usage"]["completion_tokens"] == 3 * one["completion_tokens"]
    assert told["usage"]["prompt_tokens"] == one["prompt_tokens"]


def test_log_probabilities_are_told(scripted: Server) -> None:
    told = chat(scripted, "hi", logprobs=True, top_logprobs=2)["choices"][0]["logprobs"]
    assert "".join(token["token"] for token in told["content"]) == "You said: hi"
    first = told["content"][0]
    assert bytes(first["bytes"]) == b"You"
    assert [each["token"] for each in first["top_logprobs"]] == ["You", "You?"]


def test_what_says_nothing_of_the_answer_is_accepted(scripted: Server) -> None:
    told = chat(
        scripted,
        "hi",
        user="u",
        metadata={"a": "b"},
        store=True,
        n=1,
        parallel_tool_calls=True,
        service_tier="auto",
        safety_identifier="s",
        prompt_cache_key="k",
        prompt_cache_retention="24h",
        prompt_cache_options={"mode": "explicit", "ttl": "30m"},
        moderation=None,
        stream_options=None,
        reasoning_effort="low",
        logit_bias={},
        modalities=["text"],
        verbosity="medium",
        prediction={"type": "content", "content": "x"},
        tools=[],
        tool_choice="auto",
        seed=-1,
        top_p=0,
        response_format={"type": "text"},
    )
    assert message_of(told)["content"] == "You said: hi"


def test_thoughts_are_apart_from_the_answer(scripted: Server) -> None:
    told = chat(scripted, "#answer=<think>\nHm, well.\n</think>\n\nYes.")
    assert message_of(told) == {
        "role": "assistant",
        "content": "Yes.",
        "refusal": None,
        "reasoning_content": "Hm, well.",
    }


def test_a_conversation_that_is_too_long_is_refused_or_cut(scripted: Server) -> None:
    turns = [{"role": "user", "content": "word " * 400}, {"role": "assistant", "content": "ok"}]
    said = [*turns * 12, {"role": "user", "content": "hi"}]
    error = chat(scripted, said, expect=400)["error"]
    assert (error["code"], error["param"]) == ("context_length_exceeded", "messages")
    told = chat(scripted, said, context_policy="drop_oldest")
    assert message_of(told)["content"] == "You said: hi"


def test_a_conversation_that_fits_is_taken_however_little_room_it_leaves(scripted: Server) -> None:
    window = scripted.health()["models"]["text"]["context_length"]
    long = {"role": "user", "content": "word " * (window - 20)}
    said = [long, {"role": "assistant", "content": "ok"}, {"role": "user", "content": "hi"}]
    told = chat(scripted, said)
    assert message_of(told)["content"] == "You said: hi"
    assert window - 20 < told["usage"]["prompt_tokens"] < window
