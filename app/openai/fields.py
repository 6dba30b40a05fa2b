"""Fields of OpenAI's that change an answer and that no engine here can follow."""

from typing import Any, NoReturn

from app.domain.errors import SllmError
from app.openai.models.chat import ChatCompletionRequest


def unsupported(name: str) -> NoReturn:
    """Raise the answer to a field that would be ignored otherwise."""
    raise SllmError("unsupported_by_engine", "openai_unsupported", param=name, field=name)


def no_function() -> NoReturn:
    """Raise the answer to a tool that is no function."""
    raise SllmError("unsupported_by_engine", "tools_only_functions", param="tools")


def refuse_unsupported(body: ChatCompletionRequest) -> None:
    """Raise SllmError `unsupported_by_engine` where one of them asks for something."""
    if body.modalities not in (None, ["text"]):
        unsupported("modalities")
    if body.verbosity not in (None, "medium"):
        unsupported("verbosity")
    asked: dict[str, Any] = {
        "audio": body.audio,
        "web_search_options": body.web_search_options,
        "moderation": body.moderation,
        "functions": body.functions,
        "function_call": body.function_call,
        "logit_bias": body.logit_bias or None,
    }
    for name, value in asked.items():
        if value is not None:
            unsupported(name)
