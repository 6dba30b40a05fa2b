"""Pydantic AI: an agent's answers, tools, output and streams."""

import asyncio
from typing import Any

from pydantic import BaseModel
from pydantic_ai import Agent, NativeOutput
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.openai import OpenAIProvider

CALL = '<tool_call>\n{"name": "get_weather", "arguments": {"city": "Seoul"}}\n</tool_call>'


class Person(BaseModel):
    """A person."""

    name: str
    age: int


def model_of(server: Any) -> Any:
    provider = OpenAIProvider(base_url=f"{server.url}/v1", api_key="none")
    return OpenAIChatModel(server.model, provider=provider)


def check_answer(server: Any) -> None:
    agent = Agent(model_of(server), instructions="Be kind.")
    assert agent.run_sync("hi").output == "You said: hi"


def check_tools(server: Any) -> None:
    agent = Agent(model_of(server))

    @agent.tool_plain
    def get_weather(city: str) -> str:
        """The weather in a city."""
        return f"Rain in {city}"

    assert agent.run_sync(f"#answer={CALL}").output == "You said: Rain in Seoul"


def check_output_by_tool(server: Any) -> None:
    agent = Agent(model_of(server), output_type=Person)
    call = '{"name": "final_result", "arguments": {"name": "Kim", "age": 30}}'
    assert agent.run_sync(f"#answer={call}").output == Person(name="Kim", age=30)


def check_output_by_schema(server: Any) -> None:
    agent = Agent(model_of(server), output_type=NativeOutput(Person))
    told = agent.run_sync('#answer={"name": "Kim", "age": 30}')
    assert told.output == Person(name="Kim", age=30)


def check_stream(server: Any) -> None:
    async def streamed() -> str:
        async with Agent(model_of(server)).run_stream("one two") as result:
            pieces = [piece async for piece in result.stream_text(delta=True, debounce_by=None)]
            return "".join(pieces)

    assert asyncio.run(streamed()) == "You said: one two"
