"""The v1 request as the services see it, and its answer as clients see it."""

from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import ValidationError

from app.domain.generation import ContextReport, Finished, Timings, Usage
from app.domain.messages import Message
from app.domain.options import GenerationOptions, ResponseFormat
from app.v1.models.chat import ChatRequest, ChatResponse

USER, ANSWER = {"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}


def test_the_three_parts_in_order() -> None:
    body = {"message": "c", "history": [USER, ANSWER], "system_prompt": "s"}
    spoken = ChatRequest.model_validate(body).to_messages()
    assert [(message.role, message.content) for message in spoken] == [
        ("system", "s"),
        ("user", "a"),
        ("assistant", "b"),
        ("user", "c"),
    ]


def test_messages_are_the_same_thing() -> None:
    system = {"role": "system", "content": "s"}
    one = ChatRequest.model_validate({"messages": [system, USER, ANSWER, USER]})
    other = ChatRequest.model_validate(
        {"message": "a", "history": [USER, ANSWER], "system_prompt": "s"}
    )
    assert one.to_messages() == other.to_messages()


def test_an_empty_system_prompt_is_none() -> None:
    request = ChatRequest.model_validate({"message": "a", "system_prompt": ""})
    assert request.to_messages() == (Message("user", "a"),)


def test_options_left_out_or_null_are_defaults() -> None:
    body = {"message": "a", "temperature": None, "stop": None}
    options = ChatRequest.model_validate(body).to_options(default_max_tokens=9)
    assert options == GenerationOptions(max_tokens=9)


def test_options_arrive() -> None:
    schema = {"type": "object"}
    body: dict[str, Any] = {
        "message": "a",
        "max_tokens": 1,
        "temperature": 2,
        "top_p": 1,
        "top_k": 0,
        "min_p": 0,
        "repeat_penalty": 0.5,
        "presence_penalty": -2,
        "frequency_penalty": 2,
        "seed": 2**32 - 1,
        "stop": ["x" * 256] * 8,
        "response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": schema}},
    }
    assert ChatRequest.model_validate(body).to_options(512) == GenerationOptions(
        max_tokens=1,
        temperature=2.0,
        top_p=1.0,
        top_k=0,
        min_p=0.0,
        repeat_penalty=0.5,
        presence_penalty=-2.0,
        frequency_penalty=2.0,
        seed=2**32 - 1,
        stop=("x" * 256,) * 8,
        response_format=ResponseFormat("json_schema", schema),
    )


@pytest.mark.parametrize(
    ("text", "valid"), [("가" * (2**20 // 3), True), ("가" * (2**20 // 3 + 1), False)]
)
def test_a_message_is_measured_in_bytes(text: str, valid: bool) -> None:
    if valid:
        assert ChatRequest.model_validate({"message": text}).message == text
        return
    with pytest.raises(ValidationError, match="text_too_large"):
        ChatRequest.model_validate({"message": text})


def test_ten_thousand_messages_of_history_pass() -> None:
    request = ChatRequest.model_validate({"message": "a", "history": [USER] * 10_000})
    assert len(request.to_messages()) == 10_001


def test_the_answer_has_the_contract_s_fields() -> None:
    finished = Finished(
        text="hi",
        finish_reason="stop",
        usage=Usage(1, 2, 3, 0),
        timings=Timings(1, 2, 3, 4, 5, 6),
        context=ContextReport(2048, 1, "drop_oldest", 0, 0),
    )
    now = datetime(2026, 1, 2, tzinfo=UTC)
    answer = ChatResponse.of("chat_1", now, "m", finished, ["w"]).model_dump(mode="json")
    assert answer["created_at"] == "2026-01-02T00:00:00Z"
    assert answer["response"] == "hi"
    assert answer["usage"] == {
        "prompt_tokens": 1,
        "completion_tokens": 2,
        "total_tokens": 3,
        "cached_tokens": 0,
    }
    fields = "id created_at model response finish_reason usage timings context warnings"
    assert list(answer) == fields.split()
