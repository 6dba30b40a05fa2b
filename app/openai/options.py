"""From a chat completion's options to the engine's."""

from msgspec.structs import replace

from app.domain.options import GenerationOptions, ResponseFormat
from app.domain.tools import ToolUse
from app.openai.models.chat import ChatCompletionRequest
from app.openai.tools import held_to


def chat_options(
    body: ChatCompletionRequest, use: ToolUse, default_max_tokens: int
) -> GenerationOptions:
    """Raises SllmError for a schema that cannot be enforced."""
    options = body.writing(default_max_tokens)
    wanted = body.response_format.to_domain() if body.response_format else ResponseFormat()
    return replace(
        options,
        max_tokens=body.max_completion_tokens or options.max_tokens,
        response_format=held_to(use, wanted),
        logprobs=(body.top_logprobs or 0) if body.logprobs else None,
    )
