"""LangChain's ChatOpenAI: answers, streams, tools, structured output."""

from typing import Any

from langchain_core.messages import HumanMessage, SystemMessage, ToolMessage
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI
from pydantic import BaseModel

CALL = '<tool_call>\n{"name": "get_weather", "arguments": {"city": "Seoul"}}\n</tool_call>'


class Person(BaseModel):
    """A person."""

    name: str
    age: int


@tool
def get_weather(city: str) -> str:
    """The weather in a city."""
    return f"Rain in {city}"


def model_of(server: Any, **options: Any) -> Any:
    return ChatOpenAI(
        base_url=f"{server.url}/v1", api_key="none", model=server.model, max_retries=0, **options
    )


def check_invoke(server: Any) -> None:
    told = model_of(server).invoke([SystemMessage("Be kind."), HumanMessage("hi")])
    assert told.content == "You said: hi"
    assert told.usage_metadata["output_tokens"] == 3


def check_stream(server: Any) -> None:
    chunks = list(model_of(server, stream_usage=True).stream("one two"))
    assert "".join(chunk.content for chunk in chunks) == "You said: one two"


def check_tools(server: Any) -> None:
    model = model_of(server).bind_tools([get_weather])
    question = HumanMessage(f"#answer={CALL}")
    asked = model.invoke([question])
    [call] = asked.tool_calls
    assert (call["name"], call["args"]) == ("get_weather", {"city": "Seoul"})
    found = ToolMessage(get_weather.invoke(call["args"]), tool_call_id=call["id"])
    assert model.invoke([question, asked, found]).content == "You said: Rain in Seoul"


def check_structured_output(server: Any) -> None:
    model = model_of(server).with_structured_output(Person)
    assert model.invoke('#answer={"name": "Kim", "age": 30}') == Person(name="Kim", age=30)
    call = '<tool_call>{"name": "Person", "arguments": {"name": "Kim", "age": 30}}</tool_call>'
    model = model_of(server).with_structured_output(Person, method="function_calling")
    assert model.invoke(f"#answer={call}") == Person(name="Kim", age=30)
