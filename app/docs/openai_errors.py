"""How OpenAPI documents the errors of the OpenAI dialect: the same codes in OpenAI's shape."""

from typing import Any

from pydantic import BaseModel, Field

from app.docs.error_responses import error_responses


class OpenAiErrorSchema(BaseModel):
    """What went wrong, in the fields that OpenAI's clients read."""

    message: str = Field(description="Plain words, in the language of Accept-Language (en, ko).")
    type: str = Field(examples=["invalid_request_error"])
    param: str | None = Field(description="The field at fault.")
    code: str = Field(description="What kind of error; it never changes.")


class OpenAiErrorResponse(BaseModel):
    """The one shape of every error under /v1."""

    error: OpenAiErrorSchema


def openai_error_responses() -> dict[int | str, dict[str, Any]]:
    """For `responses=` of a router of the dialect."""
    return {
        status: described | {"model": OpenAiErrorResponse}
        for status, described in error_responses().items()
    }
