"""What OpenAI's client documents this server knows by name, and takes for no misspelling."""

import json
import typing
import urllib.request
from typing import Any

from openai.types import chat, completion_create_params, responses, shared_params
from openai.types.chat import completion_create_params as chat_params
from openai.types.conversations import conversation_create_params
from openai.types.responses import response_create_params, response_input_item_param

# From the names that OpenAPI has of our schemas to the client's types.
TYPES: dict[str, list[Any]] = {
    "ChatCompletionRequest": [chat_params.CompletionCreateParamsBase],
    "CompletionRequest": [completion_create_params.CompletionCreateParamsBase],
    "ResponseRequest": [response_create_params.ResponseCreateParamsBase],
    "ConversationBody": [conversation_create_params.ConversationCreateParams],
    "StreamOptions": [chat.ChatCompletionStreamOptionsParam],
    "ReasoningSchema": [shared_params.Reasoning],
    "ResponseTool": [responses.FunctionToolParam],
    "TextSchema": [responses.ResponseTextConfigParam],
    "TextFormat": [responses.ResponseFormatTextJSONSchemaConfigParam],
    "UserMessage": [chat.ChatCompletionUserMessageParam],
    "AssistantMessage": [chat.ChatCompletionAssistantMessageParam],
    "ToolMessage": [chat.ChatCompletionToolMessageParam],
    "TextPart": [chat.ChatCompletionContentPartTextParam],
    "ImagePart": [chat.ChatCompletionContentPartImageParam],
    "MessageItem": [responses.EasyInputMessageParam, responses.ResponseOutputMessageParam],
    "CallItem": [responses.ResponseFunctionToolCallParam],
    "ResultItem": [response_input_item_param.FunctionCallOutput],
    "ReasoningItem": [responses.ResponseReasoningItemParam],
    "InputText": [responses.ResponseInputTextParam, responses.ResponseOutputTextParam],
    "InputImage": [responses.ResponseInputImageParam],
}


def check_every_documented_field_is_known(server: Any) -> None:
    with urllib.request.urlopen(f"{server.url}/openapi.json") as answer:
        schemas = json.load(answer)["components"]["schemas"]
    unknown = {
        f"{name}.{field}"
        for name, types in TYPES.items()
        for documented in types
        for field in typing.get_type_hints(documented).keys() - schemas[name]["properties"].keys()
    }
    assert not unknown, sorted(unknown)
