"""OpenAI's own client on real weights: tools, schemas, thoughts about pictures."""

import json
from pathlib import Path
from typing import Any, Literal

import openai
from pydantic import BaseModel

QUESTIONS = Path(__file__).parents[2] / "shapes_questions.json"
WEATHER: Any = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Get the current weather in a city",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}},
            "required": ["city"],
        },
    },
}


class Colour(BaseModel):
    """What `parse` is to make of an answer."""

    name: Literal["red", "green", "blue"]
    warm: bool


def asked(server: Any, text: str, **options: Any) -> Any:
    client: Any = openai.OpenAI(base_url=f"{server.url}/v1", api_key="none", max_retries=0)
    make = client.chat.completions.parse if "parsed" in options else client.chat.completions.create
    options.pop("parsed", None)
    return make(
        model=options.pop("model", server.model),
        messages=[{"role": "user", "content": text}],
        temperature=0,
        max_tokens=options.pop("max_tokens", 100),
        **options,
    )


def check_a_tool_is_called(server: Any) -> None:
    told = asked(server, "What is the weather in Paris?", tools=[WEATHER]).choices[0]
    assert told.finish_reason == "tool_calls", told
    call = told.message.tool_calls[0].function
    assert (call.name, json.loads(call.arguments)) == ("get_weather", {"city": "Paris"})


def check_a_call_is_demanded(server: Any) -> None:
    for choice in ("required", {"type": "function", "function": {"name": "get_weather"}}):
        told = asked(server, "Hello, I live in Rome.", tools=[WEATHER], tool_choice=choice)
        [call] = told.choices[0].message.tool_calls
        assert set(json.loads(call.function.arguments)) >= {"city"}, call


def check_a_call_is_streamed(server: Any) -> None:
    options = {"tools": [WEATHER], "tool_choice": "required", "stream": True}
    chunks = asked(server, "What is the weather in Paris?", **options)
    calls = [call for chunk in chunks for call in chunk.choices[0].delta.tool_calls or []]
    assert calls[0].function.name == "get_weather"
    assert len(calls) > 2, "not piece by piece"
    assert json.loads("".join(call.function.arguments for call in calls)) == {"city": "Paris"}


def check_an_answer_is_parsed(server: Any) -> None:
    told = asked(server, "Which colour is a tomato?", response_format=Colour, parsed=True)
    assert isinstance(told.choices[0].message.parsed, Colour), told


def check_a_text_is_continued(server: Any) -> None:
    client = openai.OpenAI(base_url=f"{server.url}/v1", api_key="none", max_retries=0)
    told = client.completions.create(
        model=server.model, prompt="def add(a, b):\n    return", max_tokens=8, temperature=0
    )
    assert told.choices[0].text.strip().startswith("a + b"), told


def check_a_picture_is_seen(server: Any) -> None:
    client = openai.OpenAI(base_url=f"{server.url}/v1", api_key="none", max_retries=0)
    for each in json.loads(QUESTIONS.read_text())[:3]:
        url = "data:image/png;base64," + each["png"]
        parts: Any = [
            {"type": "image_url", "image_url": {"url": url}},
            {"type": "text", "text": each["question"]},
        ]
        told = client.chat.completions.create(
            model=server.vision,
            messages=[{"role": "user", "content": parts}],
            temperature=0,
            max_tokens=16,
        )
        assert told.choices[0].message.content == each["answer"], told
