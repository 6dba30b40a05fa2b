"""Prompt templates as clients see them, in one language of those they are described in."""

from datetime import datetime
from typing import Any, Self

from pydantic import BaseModel, Field

from app.domain.messages import Message, Role
from app.domain.prompt_templates import (
    PromptTemplate,
    Scalar,
    TemplateLanguage,
    Variable,
    VariableType,
    text_in,
)
from app.v1.models.options import STRICT
from app.v3.models.chat import NAME_PATTERN, Variables
from app.v3.models.pages import PageQuery, PageSchema


class TemplateQuery(PageQuery):
    """Which templates to list."""

    tag: str | None = Field(
        default=None, pattern=NAME_PATTERN, description="Only those with this tag."
    )
    language: TemplateLanguage | None = Field(
        default=None, description="Only those that serve it; `multi` ones serve every language."
    )


class VariableSchema(BaseModel):
    """A value that a template takes."""

    name: str = Field(examples=["dialect"], description="Its key in `variables`.")
    description: str = Field(description="Plain words, in the language of Accept-Language.")
    required: bool = Field(description="Whether a value must be given.")
    default: Scalar | None = Field(description="What stands for a value that is left out.")
    type: VariableType = Field(description="What the value must be.")
    values: list[str] = Field(description="What an enum may be; else empty.")

    @classmethod
    def of(cls, variable: Variable, language: str) -> Self:
        """`variable`, described in `language`."""
        return cls(
            name=variable.name,
            description=text_in(variable.description, language),
            required=variable.required,
            default=variable.default,
            type=variable.type,
            values=list(variable.values),
        )


class TemplateSummary(BaseModel):
    """A template, without what it says."""

    name: str = Field(examples=["sql_assistant"], description="What `template` in a chat takes.")
    title: str = Field(description="For people, in the language of Accept-Language.")
    description: str = Field(description="What it is for, in the same language.")
    language: TemplateLanguage = Field(description="The language that it is written for.")
    variables: list[VariableSchema] = Field(description="The values that it takes.")
    tags: list[str] = Field(description="For `?tag=`.", examples=[["code"]])
    builtin: bool = Field(description="Whether it came with the server.")

    @classmethod
    def of(cls, template: PromptTemplate, language: str) -> Self:
        """`template`, described in `language`."""
        variables = [VariableSchema.of(variable, language) for variable in template.variables]
        return cls.model_validate(
            {
                "name": template.name,
                "title": text_in(template.title, language),
                "description": text_in(template.description, language),
                "language": template.language,
                "variables": variables,
                "tags": list(template.tags),
                "builtin": template.builtin,
                **cls.details(template),
            }
        )

    @classmethod
    def details(cls, template: PromptTemplate) -> dict[str, Any]:
        """Fields that only a whole template has."""
        return {}


class ExampleSchema(BaseModel):
    """A question and the answer that it should get."""

    user: str = Field(description="What a user might say.")
    assistant: str = Field(description="What the answer should look like.")


class TemplateSchema(TemplateSummary):
    """A whole template. `{{name}}` stands for a variable's value, in `system` and `examples`."""

    system: str = Field(description="The system prompt.")
    examples: list[ExampleSchema] = Field(description="Turns before the conversation.")
    options: dict[str, Any] = Field(
        description="Generation options for requests that leave them out.",
        examples=[{"temperature": 0.2}],
    )
    version: int = Field(description="Counts its changes, from 1.", examples=[1])
    created_at: datetime = Field(description="RFC 3339, UTC.")
    updated_at: datetime = Field(description="RFC 3339, UTC.")

    @classmethod
    def details(cls, template: PromptTemplate) -> dict[str, Any]:
        """What the list leaves out."""
        return {
            "system": template.system,
            "examples": [{"user": e.user, "assistant": e.assistant} for e in template.examples],
            "options": template.options,
            "version": template.version,
            "created_at": template.created_at,
            "updated_at": template.updated_at,
        }


class TemplatePage(PageSchema):
    """A page of templates."""

    items: list[TemplateSummary] = Field(
        description="Built-in ones first, `default` at their head; then your own, by name."
    )


class RenderRequest(BaseModel):
    """Values to fill a template with."""

    model_config = STRICT

    variables: Variables | None = Field(
        default=None,
        description="Values by variable name.",
        examples=[{"dialect": "SQLite", "schema": "users(id, name)"}],
    )


class RenderedMessage(BaseModel):
    """A message that goes before the conversation."""

    role: Role = Field(description="Who says it.")
    content: str = Field(description="With every value in its place.")

    @classmethod
    def of(cls, message: Message) -> Self:
        """The same as a schema."""
        return cls(role=message.role, content=message.content)


class RenderResponse(BaseModel):
    """A template filled in."""

    messages: list[RenderedMessage] = Field(description="The system prompt and example turns.")
    prompt_tokens: int = Field(
        description="Prompt tokens of a chat with this template before anything is said: these "
        "messages, an empty user message and the opening of the answer, as the loaded model's own "
        "chat template frames them.",
        examples=[74],
    )
