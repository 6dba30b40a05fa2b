"""Tools and the choice among them, as OpenAI's clients send them."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, Tag

from app.openai.config import MOST_TOOLS
from app.openai.models.kinds import by, word_or
from app.openai.models.messages import ToolName
from app.v1.models.messages import Text
from app.v1.models.options import STRICT


class FunctionSchema(BaseModel):
    """A function of the client's."""

    model_config = STRICT

    name: ToolName
    description: Text | None = None
    parameters: dict[str, Any] | None = Field(
        default=None, description="JSON Schema of the arguments; none means no arguments."
    )
    strict: bool | None = Field(
        default=None,
        description="Accepted. A call that `tool_choice` demands always satisfies the schema.",
    )


class FunctionTool(BaseModel):
    """A tool that is a function."""

    model_config = STRICT

    type: Literal["function"]
    function: FunctionSchema


class OtherTool(BaseModel):
    """What OpenAI takes and no engine here does."""

    model_config = ConfigDict(extra="allow", frozen=True)

    type: Literal["custom"]


class NamedFunction(BaseModel):
    """A function by its name."""

    model_config = STRICT

    name: ToolName


class NamedChoice(BaseModel):
    """This function is called."""

    model_config = STRICT

    type: Literal["function"]
    function: NamedFunction


class Allowed(BaseModel):
    """Some of the tools, and whether one of them must be called."""

    model_config = STRICT

    mode: Literal["auto", "required"]
    tools: Annotated[list[NamedChoice], Field(min_length=1, max_length=MOST_TOOLS)]


class AllowedChoice(BaseModel):
    """Only these tools."""

    model_config = STRICT

    type: Literal["allowed_tools"]
    allowed_tools: Allowed


class ToolsSchema(BaseModel):
    """Tools of a request."""

    model_config = STRICT

    tools: (
        Annotated[
            list[
                Annotated[
                    Annotated[FunctionTool, Tag("@function")]
                    | Annotated[OtherTool, Tag("@custom")],
                    by("type", {"function": "@function", "custom": "@custom"}),
                ]
            ],
            Field(max_length=MOST_TOOLS),
        ]
        | None
    ) = Field(
        default=None,
        description="Functions that the model may call, where its chat template knows tools.",
    )
    tool_choice: (
        Annotated[
            Annotated[Literal["none", "auto", "required"], Tag("@word")]
            | Annotated[NamedChoice, Tag("@function")]
            | Annotated[AllowedChoice, Tag("@allowed_tools")],
            word_or({"function": "@function", "allowed_tools": "@allowed_tools"}),
        ]
        | None
    ) = Field(
        default=None,
        description="`auto` (default), `none`, `required`, or one function by its name.",
    )
    parallel_tool_calls: bool | None = Field(
        default=None, description="false: at most one call in an answer."
    )
