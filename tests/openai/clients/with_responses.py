"""OpenAI's own client: responses and conversations, kept, streamed, parsed, cancelled, deleted."""

import asyncio
import json
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import openai
from pydantic import BaseModel

CALL = '<tool_call>\n{"name": "get_weather", "arguments": {"city": "Seoul"}}\n</tool_call>'
WEATHER: Any = {
    "type": "function",
    "name": "get_weather",
    "parameters": {
        "type": "object",
        "properties": {"city": {"type": "string"}},
        "required": ["city"],
        "additionalProperties": False,
    },
    "strict": True,
}


class Person(BaseModel):
    """What `parse` is to make of an answer."""

    name: str
    age: int


def client_of(server: Any) -> Any:
    return openai.OpenAI(base_url=f"{server.url}/v1", api_key="none", max_retries=0)


def raised(kind: type[Exception], work: Callable[[], Any]) -> Any:
    """The exception of this kind that `work` ends in."""
    try:
        work()
    except kind as error:
        return error
    raise AssertionError(f"no {kind.__name__}")


def check_responses(server: Any) -> None:
    client = client_of(server)
    made = client.responses.create(
        model=server.model, input="hi", instructions="Be kind.", metadata={"a": "b"}
    )
    assert (made.output_text, made.status, made.metadata) == (
        "You said: hi",
        "completed",
        {"a": "b"},
    )
    assert client.responses.retrieve(made.id) == made
    more = client.responses.create(
        model=server.model, input="#show=1", previous_response_id=made.id
    )
    assert more.output_text == "[user: hi][assistant: You said: hi][user: #show=1]"
    assert more.usage.total_tokens == more.usage.input_tokens + more.usage.output_tokens
    items = client.responses.input_items.list(more.id, order="asc", limit=1)
    assert [item.content[0].text for item in items] == ["hi", "You said: hi", "#show=1"]
    client.responses.delete(more.id)
    assert raised(openai.NotFoundError, lambda: client.responses.retrieve(more.id)).code


def check_streamed_responses(server: Any) -> None:
    client = client_of(server)
    with client.responses.stream(model=server.model, input="one two") as stream:
        text = "".join(event.delta for event in stream if event.type.endswith("text.delta"))
        final = stream.get_final_response()
    assert final.output_text == text == "You said: one two"
    events = list(client.responses.create(model=server.model, input="hi", stream=True))
    assert [event.sequence_number for event in events] == list(range(len(events)))
    assert (events[0].type, events[-1].type) == ("response.created", "response.completed")
    failed = list(client.responses.create(model=server.model, input="#refuse", stream=True))[-1]
    assert (failed.type, failed.response.error.code) == ("response.failed", "invalid_prompt")


def check_reasoning(server: Any) -> None:
    told = client_of(server).responses.create(
        model=server.model, input="#answer=<think>Hm.</think>Yes."
    )
    thought, said = told.output
    assert (thought.type, thought.content[0].text) == ("reasoning", "Hm.")
    assert said.content[0].text == told.output_text == "Yes."


def check_parsed_responses(server: Any) -> None:
    client, person = client_of(server), Person(name="Kim", age=30)
    asked: Any = {"model": server.model, "input": f"#answer={person.model_dump_json()}"}
    assert client.responses.parse(**asked, text_format=Person).output_parsed == person
    with client.responses.stream(**asked, text_format=Person) as stream:
        assert stream.get_final_response().output_parsed == person


def check_tools_of_responses(server: Any) -> None:
    client = client_of(server)
    asked: Any = {"model": server.model, "tools": [WEATHER]}
    first = client.responses.parse(input=f"#answer={CALL}", **asked)
    [call] = first.output
    assert call.parsed_arguments == {"city": "Seoul"}
    result = {"type": "function_call_output", "call_id": call.call_id, "output": "Rain"}
    kept = client.responses.create(input=[result], previous_response_id=first.id, **asked)
    assert kept.output_text == "You said: Rain"
    # The same without anything kept: items go back as the client has them.
    asked |= {"store": False}
    given: Any = [{"role": "user", "content": f"#answer={CALL}"}]
    first = client.responses.create(input=given, **asked)
    given += [*first.output, result | {"call_id": first.output[0].call_id}]
    assert client.responses.create(input=given, **asked).output_text == "You said: Rain"
    with client.responses.stream(input=f"#answer={CALL}", **asked) as stream:
        deltas = [event.delta for event in stream if event.type.endswith("arguments.delta")]
    assert json.loads("".join(deltas)) == {"city": "Seoul"}


def check_conversations(server: Any) -> None:
    client = client_of(server)
    user = {"type": "message", "role": "user", "content": "hi"}
    made = client.conversations.create(items=[user], metadata={"a": "b"})
    assert client.conversations.retrieve(made.id) == made
    assert client.conversations.update(made.id, metadata={"c": "d"}).metadata == {"c": "d"}
    client.conversations.items.create(made.id, items=[{"role": "assistant", "content": "Hello."}])
    told = client.responses.create(model=server.model, conversation=made.id, input="#show=1")
    assert told.output_text == "[user: hi][assistant: Hello.][user: #show=1]"
    assert told.conversation.id == made.id
    items = list(client.conversations.items.list(made.id, order="asc", limit=2))
    assert [item.content[0].text for item in items[:3]] == ["hi", "Hello.", "#show=1"]
    place: Any = {"conversation_id": made.id}
    assert client.conversations.items.retrieve(items[0].id, **place) == items[0]
    assert client.conversations.items.delete(items[0].id, **place).id == made.id
    assert len(list(client.conversations.items.list(made.id))) == 3
    assert client.conversations.delete(made.id).deleted
    assert raised(openai.NotFoundError, lambda: client.conversations.retrieve(made.id)).code


def check_the_background(server: Any) -> None:
    client = client_of(server)
    asked: Any = {"model": server.model, "background": True}
    slow = client.responses.create(input="#words=1000 #pace=20", **asked)
    assert slow.status == "in_progress"
    assert client.responses.cancel(slow.id).status == "cancelled"
    quick = client.responses.create(input="hi", **asked)
    end = time.monotonic() + 120
    while quick.status == "in_progress":
        assert time.monotonic() < end
        quick = client.responses.retrieve(quick.id)
    assert (quick.status, quick.output_text) == ("completed", "You said: hi")


def check_errors_of_responses(server: Any) -> None:
    client = client_of(server)
    cases: list[tuple[type[openai.APIStatusError], dict[str, Any], str, str]] = [
        (openai.NotFoundError, {"model": "gpt-5"}, "not_found", "model"),
        (openai.UnprocessableEntityError, {"temperature": 9}, "invalid_request", "temperature"),
        (openai.NotFoundError, {"conversation": "conv_1"}, "not_found", "conversation"),
        (
            openai.BadRequestError,
            {"tools": [{"type": "web_search"}]},
            "unsupported_by_engine",
            "tools",
        ),
        (
            openai.BadRequestError,
            {"input": "word " * 9000},
            "context_length_exceeded",
            "input",
        ),
    ]
    for kind, fields, code, param in cases:
        asked = {"model": server.model, "input": "hi", **fields}
        error = raised(kind, partial(client.responses.create, **asked))
        assert (error.code, error.param) == (code, param), error


def check_leaving_a_response(server: Any) -> None:
    """What was said until then is kept."""

    async def leave() -> str:
        client = openai.AsyncOpenAI(base_url=f"{server.url}/v1", api_key="none")
        stream = await client.responses.create(
            model=server.model, input="#words=1000 #pace=20", stream=True
        )
        id_ = ""
        async for event in stream:
            if event.type == "response.created":
                id_ = event.response.id
            if event.type == "response.output_text.delta":
                break
        await stream.close()
        return id_

    id_, client, end = asyncio.run(leave()), client_of(server), time.monotonic() + 120
    while (found := client.responses.retrieve(id_)).status == "in_progress":
        assert time.monotonic() < end
    assert (found.status, found.incomplete_details.reason) == ("incomplete", "interrupted")
    assert found.output_text.startswith(" word0")
