"""A response as the events of OpenAI's stream: items that open, grow and close, in order."""

from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from typing import Any

from msgspec import Struct

from app.domain.answer_parts import Said, Thought
from app.domain.call_reader import CallArguments, CallBegun
from app.domain.errors import SllmError
from app.openai.collected import Collected
from app.openai.ids import call_item_id
from app.openai.items import Item, called, said, thought
from app.openai.response_objects import Told, failure
from app.openai.services.answers import AnswerEvent, ChoiceEnd, ChoicePart


class Event(Struct, frozen=True):
    """A named event."""

    name: str
    data: dict[str, Any]


class ResponseEvents:
    """The events of one response. `language` is for what goes wrong."""

    def __init__(self, told: Told, logprobs: bool, language: str) -> None:
        self._told = told
        self._language = language
        self._answer = Collected(told.stem, logprobs)
        self._sequence = 0
        self._done: list[Item] = []
        self._open: Item | None = None

    async def of(self, events: AsyncGenerator[AnswerEvent, None]) -> AsyncGenerator[Event, None]:
        """Ends in `response.completed`, `.incomplete` or `.failed`."""
        async with aclosing(events):
            yield self._whole("response.created", self._told.object("in_progress"))
            yield self._whole("response.in_progress", self._told.object("in_progress"))
            try:
                async for event in events:
                    if isinstance(event, ChoicePart):
                        for each in self._grow(event):
                            yield each
                    elif isinstance(event, ChoiceEnd):
                        for each in self._end(event):
                            yield each
            except SllmError as error:
                for each in self._fail(error):
                    yield each

    def _grow(self, event: ChoicePart) -> Iterator[Event]:
        logprobs = self._answer.add(event)
        match event.part:
            case Said(text=text):
                yield from self._opened("message")
                yield self._said(text, logprobs)
            case Thought(text=text):
                yield from self._opened("reasoning")
                assert self._open is not None
                self._open["content"][0]["text"] += text
                yield self._delta("reasoning_text", text, content_index=0)
            case CallBegun():
                yield from self._opened("function_call", anew=True)
            case CallArguments(text=text):
                assert self._open is not None
                self._open["arguments"] += text
                yield self._delta("function_call_arguments", text)

    def _said(self, text: str, logprobs: list[dict[str, Any]]) -> Event:
        assert self._open is not None
        self._open["content"][0]["text"] += text
        self._open["content"][0]["logprobs"] += logprobs
        return self._delta("output_text", text, content_index=0, logprobs=logprobs)

    def _opened(self, kind: str, anew: bool = False) -> Iterator[Event]:
        """Open an item of this kind, unless one is; another one is closed first."""
        if self._open is not None and self._open["type"] == kind and not anew:
            return
        yield from self._closed("completed")
        self._open = item = self._new(kind)
        added = item if kind == "function_call" else {**item, "content": []}
        yield self._event("output_item.added", output_index=len(self._done), item=dict(added))
        if kind != "function_call":
            part = dict(item["content"][0])
            yield self._event("content_part.added", **self._place(), content_index=0, part=part)

    def _new(self, kind: str) -> Item:
        stem = self._told.stem
        if kind == "message":
            item = said(stem, "", "in_progress")
        elif kind == "reasoning":
            item = thought(stem, "", "in_progress")
        else:
            call = self._answer.parts.calls[-1]
            assert call is not None
            id_ = call_item_id(stem, len(self._answer.parts.calls) - 1)
            return called(id_, call, "in_progress")
        again = sum(each["type"] == kind for each in self._done)
        return item | {"id": f"{item['id']}_{again}"} if again else item

    def _closed(self, status: str) -> Iterator[Event]:
        """The item that is open is whole."""
        item = self._open
        if item is None:
            return
        match item["type"]:
            case "function_call":
                told = {"arguments": item["arguments"], "name": item["name"]}
                yield self._event("function_call_arguments.done", **self._place(), **told)
            case "message":
                part = item["content"][0]
                told = {"text": part["text"], "logprobs": part["logprobs"]}
                yield self._event("output_text.done", **self._place(), content_index=0, **told)
            case "reasoning":
                told = {"text": item["content"][0]["text"]}
                yield self._event("reasoning_text.done", **self._place(), content_index=0, **told)
        if item["type"] != "function_call":
            part = item["content"][0]
            yield self._event("content_part.done", **self._place(), content_index=0, part=part)
        item["status"] = status
        yield self._event("output_item.done", output_index=len(self._done), item=item)
        self._done.append(item)
        self._open = None

    def _end(self, end: ChoiceEnd) -> Iterator[Event]:
        self._answer.end = end
        whole = self._answer.whole(self._told)
        if self._open is None and not self._done:
            yield from self._opened("message")
        yield from self._closed("incomplete" if end.finish_reason == "length" else "completed")
        yield self._whole(f"response.{whole['status']}", whole | {"output": self._done})

    def _fail(self, error: SllmError) -> Iterator[Event]:
        yield from self._closed("incomplete")
        told = failure(error, self._language)
        yield self._whole("response.failed", self._told.object("failed", self._done, error=told))

    def _delta(self, kind: str, text: str, **told: Any) -> Event:
        return self._event(f"{kind}.delta", **self._place(), delta=text, **told)

    def _place(self) -> dict[str, Any]:
        assert self._open is not None
        return {"item_id": self._open["id"], "output_index": len(self._done)}

    def _whole(self, name: str, response: dict[str, Any]) -> Event:
        return self._event(name.removeprefix("response."), response=response)

    def _event(self, kind: str, **data: Any) -> Event:
        name = f"response.{kind}"
        event = Event(name, {"type": name, "sequence_number": self._sequence, **data})
        self._sequence += 1
        return event
