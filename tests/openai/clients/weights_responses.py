"""OpenAI's own client on real weights: a response, the next one, a schema, a call."""

import json
from typing import Any, Literal

import openai
from pydantic import BaseModel

WEATHER: Any = {
    "type": "function",
    "name": "get_weather",
    "description": "Get the current weather in a city",
    "parameters": {
        "type": "object",
        "properties": {"city": {"type": "string"}},
        "required": ["city"],
    },
}


class Colour(BaseModel):
    """What `parse` is to make of an answer."""

    name: Literal["red", "green", "blue"]
    warm: bool


def responses(server: Any) -> Any:
    client = openai.OpenAI(base_url=f"{server.url}/v1", api_key="none", max_retries=0)
    return client.responses


def options(server: Any, tokens: int = 100) -> Any:
    return {"model": server.model, "temperature": 0, "max_output_tokens": tokens}


def check_a_response_goes_on(server: Any) -> None:
    first = responses(server).create(input="My name is Kim. Say hello.", **options(server, 16))
    told = responses(server).create(
        input="What is my name?", previous_response_id=first.id, **options(server, 16)
    )
    assert "Kim" in told.output_text, told
    assert told.usage.input_tokens_details.cached_tokens > 0


def check_a_response_is_parsed(server: Any) -> None:
    told = responses(server).parse(
        input="Which colour is a tomato?", text_format=Colour, **options(server)
    )
    assert isinstance(told.output_parsed, Colour), told


def check_a_function_is_called_and_its_result_told(server: Any) -> None:
    first = responses(server).create(
        input="What is the weather in Paris?", tools=[WEATHER], **options(server)
    )
    [call] = [item for item in first.output if item.type == "function_call"]
    assert (call.name, json.loads(call.arguments)) == ("get_weather", {"city": "Paris"})
    result = {"type": "function_call_output", "call_id": call.call_id, "output": "Rain, 7 degrees"}
    # With the tools still offered, weights this small would call again.
    told = responses(server).create(
        input=[result], previous_response_id=first.id, **options(server)
    )
    assert "7" in told.output_text or "ain" in told.output_text, told
