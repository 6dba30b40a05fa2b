"""OpenAI's own client: chats, streams, tools, schemas, images, errors, leaving, trying again."""

import base64
import json
import struct
import threading
import time
import urllib.request
import zlib
from collections.abc import Callable
from functools import partial
from typing import Any

import openai
from pydantic import BaseModel

CALL = '<tool_call>\n{"name": "get_weather", "arguments": {"city": "Seoul"}}\n</tool_call>'
WEATHER: Any = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
    },
}


class Person(BaseModel):
    """What `parse` is to make of an answer."""

    name: str
    age: int


def client_of(server: Any, **options: Any) -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{server.url}/v1", api_key="none", max_retries=0, **options)


def said(text: str) -> Any:
    return [{"role": "user", "content": text}]


def raised(kind: type[Exception], work: Callable[[], Any]) -> Any:
    """The exception of this kind that `work` ends in."""
    try:
        work()
    except kind as error:
        return error
    raise AssertionError(f"no {kind.__name__}")


def png(width: int, height: int) -> str:
    """A black picture as a data URL."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    rows = zlib.compress((b"\0" + b"\0" * (3 * width)) * height)
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    data = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
    return "data:image/png;base64," + base64.b64encode(data).decode()


def busy(server: Any) -> int:
    with urllib.request.urlopen(f"{server.url}/health") as answer:
        health = json.load(answer)
    count: int = health["models"]["text"]["slots"]["busy"] + health["queue"]["waiting"]
    return count


def wait_idle(server: Any) -> None:
    end = time.monotonic() + 120
    while busy(server):
        assert time.monotonic() < end, "a slot stays busy"
        time.sleep(0.02)


def check_models(server: Any) -> None:
    listed = [model.id for model in client_of(server).models.list()]
    assert listed == [server.model, server.vision], listed
    assert client_of(server).models.retrieve(server.model).id == server.model


def check_chat(server: Any) -> None:
    told = client_of(server).chat.completions.create(model=server.model, messages=said("hi"))
    assert told.choices[0].message.content == "You said: hi"
    assert told.choices[0].finish_reason == "stop"
    assert told.usage is not None
    assert told.usage.total_tokens > told.usage.prompt_tokens


def check_stream(server: Any) -> None:
    stream = client_of(server).chat.completions.create(
        model=server.model,
        messages=said("one two"),
        stream=True,
        stream_options={"include_usage": True},
    )
    chunks = list(stream)
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert text == "You said: one two"
    assert chunks[-1].usage is not None
    assert [chunk.choices[0].finish_reason for chunk in chunks[:-1]][-1] == "stop"


def check_stream_helper(server: Any) -> None:
    """The client's own accumulator agrees with what was sent."""
    options: Any = {"model": server.model, "messages": said(f"#answer=I look. {CALL}")}
    with client_of(server).chat.completions.stream(**options, tools=[WEATHER]) as stream:
        kinds = {event.type for event in stream}
        final = stream.get_final_completion().choices[0]
    assert {"content.delta", "tool_calls.function.arguments.delta"} <= kinds, kinds
    assert final.finish_reason == "tool_calls"
    assert json.loads(final.message.tool_calls[0].function.arguments) == {"city": "Seoul"}


def check_tools(server: Any) -> None:
    client, messages = client_of(server), said(f"#answer={CALL}")
    asked: Any = {"model": server.model, "tools": [WEATHER]}
    first = client.chat.completions.create(messages=messages, **asked).choices[0]
    assert first.finish_reason == "tool_calls"
    [call] = first.message.tool_calls or []
    assert json.loads(call.function.arguments) == {"city": "Seoul"}
    # The message goes back as the client has it.
    result = {"role": "tool", "tool_call_id": call.id, "content": "Rain"}
    more = [*messages, first.message, result]
    second = client.chat.completions.create(messages=more, **asked).choices[0]
    assert second.message.content == "You said: Rain"


def check_parse(server: Any) -> None:
    answer = said('#answer={"name": "Kim", "age": 30}')
    told = client_of(server).chat.completions.parse(
        model=server.model, messages=answer, response_format=Person
    )
    assert told.choices[0].message.parsed == Person(name="Kim", age=30)


def check_images(server: Any) -> None:
    parts: Any = [
        {"type": "text", "text": "What is it?"},
        {"type": "image_url", "image_url": {"url": png(32, 16)}},
    ]
    told = client_of(server).chat.completions.create(
        model=server.vision, messages=[{"role": "user", "content": parts}]
    )
    assert "I see 1 image: 32x16" in (told.choices[0].message.content or "")


def check_logprobs(server: Any) -> None:
    told = client_of(server).chat.completions.create(
        model=server.model, messages=said("hi"), logprobs=True, top_logprobs=2
    )
    assert told.choices[0].logprobs is not None
    tokens = [token.token for token in told.choices[0].logprobs.content or []]
    assert tokens == ["You", " said:", " hi"]


def check_completions(server: Any) -> None:
    client = client_of(server)
    told = client.completions.create(model=server.model, prompt=["a", "b"])
    assert [choice.text for choice in told.choices] == ["You said: a", "You said: b"]
    stream = client.completions.create(model=server.model, prompt="a", stream=True)
    assert "".join(chunk.choices[0].text for chunk in stream) == "You said: a"


def check_errors(server: Any) -> None:
    """Each becomes the client's own exception, with code and field."""
    client: Any = client_of(server)
    cases: list[tuple[type[openai.APIStatusError], dict[str, Any], str, str]] = [
        (openai.NotFoundError, {"model": "gpt-5"}, "not_found", "model"),
        (
            openai.BadRequestError,
            {"extra_body": {"verbosity": "high"}},
            "unsupported_by_engine",
            "verbosity",
        ),
        (openai.UnprocessableEntityError, {"temperature": 9}, "invalid_request", "temperature"),
        (
            openai.BadRequestError,
            {"messages": said("word " * 9000)},
            "context_length_exceeded",
            "messages",
        ),
    ]
    for kind, fields, code, param in cases:
        asked = {"model": server.model, "messages": said("hi"), **fields}
        error = raised(kind, partial(client.chat.completions.create, **asked))
        assert (error.code, error.param) == (code, param), error
    embed = partial(client.embeddings.create, model=server.model, input="hi")
    assert raised(openai.BadRequestError, embed).code == "unsupported_by_engine"


def check_error_in_a_stream(server: Any) -> None:
    stream = client_of(server).chat.completions.create(
        model=server.model, messages=said("#refuse"), stream=True
    )
    assert raised(openai.APIError, lambda: list(stream)).code == "invalid_parameter"


def endless(server: Any) -> Any:
    """A stream that would go on for minutes."""
    return client_of(server).chat.completions.create(
        model=server.model,
        messages=said("#words=100000 #pace=20"),
        max_tokens=2000,
        stream=True,
    )


def check_leaving_frees_the_slot(server: Any) -> None:
    stream = endless(server)
    next(iter(stream))
    assert busy(server) == 1
    stream.close()
    wait_idle(server)


def check_trying_again_when_the_server_is_full(server: Any) -> None:
    """503 with Retry-After; the client's own retries come through once there is room."""
    streams: list[Any] = []

    def fill() -> None:
        streams.extend(endless(server) for _ in range(20))

    error = raised(openai.InternalServerError, fill)
    assert error.status_code == 503
    assert int(error.response.headers["retry-after"]) >= 1
    closing = threading.Timer(0.5, lambda: [stream.close() for stream in streams])
    closing.start()
    patient = client_of(server).with_options(max_retries=8)
    told = patient.chat.completions.create(model=server.model, messages=said("hi"))
    assert told.choices[0].message.content == "You said: hi"
    closing.join()
    wait_idle(server)
