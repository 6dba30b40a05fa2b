"""From the body of `POST /v1/responses` to what is asked of the engine."""

import hashlib
from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec.structs import replace

from app.database.records import NewMessage, Setup
from app.domain.errors import SllmError
from app.domain.options import ContextPolicy, GenerationOptions, ResponseFormat
from app.domain.tools import ToolUse
from app.openai.fields import no_function, unsupported
from app.openai.models.response_tools import AllowedTools, BuiltInTool, ChosenTool, TextFormat
from app.openai.models.responses import ResponseRequest
from app.openai.models.tools import (
    Allowed,
    AllowedChoice,
    FunctionSchema,
    FunctionTool,
    NamedChoice,
    NamedFunction,
    ToolsSchema,
)
from app.openai.services.answers import naming
from app.openai.services.intake import Said
from app.openai.services.kept import Place
from app.openai.tools import SCHEMA_PLACES, held_to, tool_use
from app.v1.models.options import JsonSchemaSchema, OptionsSchema, ResponseFormatSchema


def refuse_unsupported(body: ResponseRequest) -> None:
    """Raise SllmError where something is asked for that no engine here can do."""
    for name in ("prompt", "moderation", "context_management"):
        if getattr(body, name) is not None:
            unsupported(name)
    if body.text and body.text.verbosity not in (None, "medium"):
        unsupported("text.verbosity")
    if body.background and (body.stream or not body.keeps):
        raise SllmError("invalid_parameter", "background_alone", param="background")


def use_of(body: ResponseRequest) -> ToolUse:
    """The tools, in the words of the other route. Raises SllmError."""
    tools = []
    for tool in body.tools or ():
        if isinstance(tool, BuiltInTool):
            no_function()
        function = FunctionSchema(**tool.model_dump(include=set(FunctionSchema.model_fields)))
        tools.append(FunctionTool(type="function", function=function))
    return tool_use(
        ToolsSchema(
            tools=tools or None,
            tool_choice=_choice(body),
            parallel_tool_calls=body.parallel_tool_calls,
        )
    )


def _choice(body: ResponseRequest) -> Any:
    choice = body.tool_choice
    if isinstance(choice, ChosenTool):
        return _named(choice)
    if isinstance(choice, AllowedTools):
        allowed = Allowed(mode=choice.mode, tools=[*map(_named, choice.tools)])
        return AllowedChoice(type="allowed_tools", allowed_tools=allowed)
    return choice


def _named(tool: ChosenTool) -> NamedChoice:
    return NamedChoice(type="function", function=NamedFunction(name=tool.name))


def options_of(
    body: ResponseRequest, setup: Setup, use: ToolUse, default_max_tokens: int
) -> GenerationOptions:
    """The options; those of the conversation's own setup where the body leaves them out.

    Raises SllmError for a schema that cannot be enforced.
    """
    settled = OptionsSchema.model_validate(setup.options if body.instructions is None else {})
    options = settled.to_options(default_max_tokens)
    wanted = _format(body.text.format) if body.text and body.text.format else None
    logprobs = (body.top_logprobs or 0) if body.tells_logprobs else None
    stops = (body.stop,) if isinstance(body.stop, str) else body.stop
    return replace(
        options,
        **body.sampling(),
        max_tokens=body.max_output_tokens or options.max_tokens,
        stop=options.stop if stops is None else tuple(stops),
        response_format=held_to(use, wanted or options.response_format),
        logprobs=logprobs,
    )


def _format(wanted: TextFormat) -> ResponseFormat:
    schema = None
    if wanted.schema_ is not None:
        schema = JsonSchemaSchema(schema=wanted.schema_)
    with naming("text.format", SCHEMA_PLACES):
        return ResponseFormatSchema(type=wanted.type, json_schema=schema).to_domain()


def policy_of(body: ResponseRequest) -> ContextPolicy:
    return "drop_oldest" if body.truncation == "auto" else "error"


def check_turns(place: Place, said: Sequence[Said]) -> None:
    """Something is to be answered, and what answers a call has one. Raises SllmError."""
    made = {call.id for message in place.past.history for call in message.calls}
    for each in said:
        parts = each.message.parts
        if parts is not None:
            made |= {call.id for call in parts.calls if call}
            if parts.result_of is not None and parts.result_of not in made:
                raise SllmError("invalid_parameter", "result_without_call", param="input")
    history = place.past.history
    if said:
        last = said[-1].message
        shows = last.content or last.parts or last.images or said[-1].pictures
        asks = last.role != "assistant" and bool(shows)
    else:
        asks = bool(history) and history[-1].role != "assistant"
    if not asks:
        raise SllmError("invalid_parameter", "nothing_to_answer", param="input")


def hash_of(body: ResponseRequest, new: Sequence[NewMessage]) -> str:
    """Of what is asked; images count by what they show."""
    said = body.model_dump_json(exclude={"stream", "stream_options"}).encode()
    shown = msgspec.json.encode([message.images for message in new])
    return hashlib.sha256(said + shown + b"responses").hexdigest()
