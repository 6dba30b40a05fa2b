"""How an answer of `/v1/responses` is written, and the functions that it may call."""

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag, model_validator
from pydantic_core import PydanticCustomError

from app.openai.config import MOST_TOOLS
from app.openai.models.kinds import word_or
from app.openai.models.tools import FunctionSchema, NamedFunction
from app.v1.models.messages import Text
from app.v1.models.options import STRICT


class TextFormat(BaseModel):
    """What form the answer must have."""

    model_config = STRICT

    type: Literal["text", "json_object", "json_schema"]
    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")] | None = None
    schema_: dict[str, Any] | None = Field(
        default=None, alias="schema", description="Needed with `json_schema`, and only with it."
    )
    description: Text | None = Field(default=None, description="Accepted, not used.")
    strict: bool | None = Field(
        default=None, description="Accepted; the schema is always enforced."
    )

    @model_validator(mode="after")
    def check_type(self) -> Self:
        """The schema is there exactly when the type asks for it."""
        if (self.type == "json_schema") != (self.schema_ is not None):
            raise PydanticCustomError("missing_schema", "schema goes with json_schema")
        return self


class TextSchema(BaseModel):
    """How the answer is written."""

    model_config = STRICT

    format: TextFormat | None = None
    verbosity: Literal["low", "medium", "high"] | None = Field(
        default=None, description="Not supported: only `medium`."
    )


class ResponseTool(FunctionSchema):
    """A function of the client's."""

    type: Literal["function"]
    output_schema: dict[str, Any] | None = Field(default=None, description="Accepted, not used.")
    allowed_callers: Annotated[list[Literal["direct"]], Field(max_length=1)] | None = None
    defer_loading: Literal[False] | None = None


class BuiltInTool(BaseModel):
    """What OpenAI runs itself and no server here does."""

    model_config = ConfigDict(extra="allow", frozen=True)

    type: str


class ChosenTool(NamedFunction):
    """This function is called."""

    type: Literal["function"]


class AllowedTools(BaseModel):
    """Only these tools."""

    model_config = STRICT

    type: Literal["allowed_tools"]
    mode: Literal["auto", "required"]
    tools: Annotated[list[ChosenTool], Field(min_length=1, max_length=MOST_TOOLS)]


def _tool_kind(value: Any) -> str:
    kind = value.get("type") if isinstance(value, dict) else getattr(value, "type", None)
    return "@function" if kind == "function" else "@other"


class ResponseToolsSchema(BaseModel):
    """Tools of a request."""

    model_config = STRICT

    tools: (
        Annotated[
            list[
                Annotated[
                    Annotated[ResponseTool, Tag("@function")]
                    | Annotated[BuiltInTool, Tag("@other")],
                    Discriminator(_tool_kind),
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
            | Annotated[ChosenTool, Tag("@function")]
            | Annotated[AllowedTools, Tag("@allowed_tools")],
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
    max_tool_calls: int | None = Field(
        default=None, ge=1, description="Accepted: it counts built-in tools, of which none is here."
    )
