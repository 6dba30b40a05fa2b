"""A template as its owner writes it, and the list of its versions; reading one is v3's."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, JsonValue, PlainValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from app.docs.error_responses import WRITE_RESPONSES
from app.domain.prompt_templates import (
    ExampleTurn,
    PromptTemplate,
    TemplateLanguage,
    Texts,
    Variable,
    VariableType,
)
from app.v1.models.messages import Text
from app.v1.models.options import STRICT, OptionsSchema
from app.v3.models.chat import MOST_VARIABLES, NAME_PATTERN, SCALAR
from app.v3.models.pages import PageSchema
from app.v3.models.prompt import TemplateSchema
from app.v4.config import (
    LONGEST_DESCRIPTION,
    LONGEST_TITLE,
    LONGEST_VALUE,
    MOST_EXAMPLES,
    MOST_TAGS,
    MOST_VALUES,
)

LANGUAGES = frozenset({"en", "ko"})
# A text in a language that its writer did not name (ISO 639-2).
UNTOLD = "und"


def local_text(limit: int) -> Callable[[object], Texts]:
    """Takes a text of at most `limit` characters, or one for each of LANGUAGES."""

    def fits(text: object) -> bool:
        return isinstance(text, str) and len(text) <= limit

    def check(value: object) -> Texts:
        if isinstance(value, str) and fits(value):
            return {UNTOLD: value}
        if isinstance(value, dict) and value.keys() <= LANGUAGES and all(map(fits, value.values())):
            return value
        raise PydanticCustomError("local_text", "not a text", {"limit": limit})

    return check


def local_schema(limit: int) -> dict[str, JsonValue]:
    """The same for OpenAPI."""
    text: dict[str, JsonValue] = {"type": "string", "maxLength": limit}
    by_language: dict[str, JsonValue] = {
        "type": "object",
        "properties": dict.fromkeys(sorted(LANGUAGES), text),
        "additionalProperties": False,
    }
    return {"anyOf": [text, by_language]}


Title = Annotated[
    Texts, PlainValidator(local_text(LONGEST_TITLE)), WithJsonSchema(local_schema(LONGEST_TITLE))
]
Description = Annotated[
    Texts,
    PlainValidator(local_text(LONGEST_DESCRIPTION)),
    WithJsonSchema(local_schema(LONGEST_DESCRIPTION)),
]

EXAMPLE: dict[str, JsonValue] = {
    "title": {"en": "Translator", "ko": "번역가"},
    "description": {"en": "Translates what you say.", "ko": "입력한 글을 번역합니다."},
    "language": "multi",
    "system": "Translate the user's text into {{target}}. Answer with the translation alone.",
    "examples": [{"user": "안녕하세요", "assistant": "Hello"}],
    "variables": [
        {
            "name": "target",
            "type": "enum",
            "values": ["English", "Korean"],
            "default": "English",
            "description": {"en": "The language to translate into.", "ko": "번역할 언어."},
        }
    ],
    "options": {"temperature": 0.2},
    "tags": ["translation"],
}


class VariableBody(BaseModel):
    """A value that the template takes, written `{{name}}` in its texts."""

    model_config = STRICT

    name: str = Field(description="1 to 64 of a-z, 0-9 and _, a letter first.", examples=["target"])
    type: VariableType = Field(default="string", description="What the value must be.")
    description: Description = Field(
        default_factory=dict, description="What it is for: a text, or one for each language."
    )
    required: bool = Field(default=False, description="Whether a value must be given.")
    default: Annotated[JsonValue, WithJsonSchema(SCALAR)] = Field(
        default=None, description="Stands for a value that is left out; without it, empty text."
    )
    values: list[Annotated[str, Field(min_length=1, max_length=LONGEST_VALUE)]] = Field(
        default_factory=list, max_length=MOST_VALUES, description="What an enum may be."
    )

    def to_domain(self) -> Variable:
        """The same without its schema; whether it makes sense is checked with the template."""
        fields: dict[str, Any] = dict(self) | {"values": tuple(self.values)}
        return Variable(**fields)


class ExampleBody(BaseModel):
    """A question and the answer that it should get."""

    model_config = STRICT

    user: Annotated[Text, Field(min_length=1)] = Field(description="What a user might say.")
    assistant: Annotated[Text, Field(min_length=1)] = Field(
        description="What the answer should look like."
    )


class TemplateBody(BaseModel):
    """All that a template says. `{{name}}` in `system` and `examples` stands for a variable's
    value, put in once and literally; any other `{{` is an error."""

    model_config = STRICT | ConfigDict(json_schema_extra={"examples": [EXAMPLE]})

    title: Title | None = Field(
        default=None, description="For people: a text, or one for each language. Default: the name."
    )
    description: Description | None = Field(
        default=None, description="What it is for: a text, or one for each language."
    )
    language: TemplateLanguage = Field(
        default="multi", description="The language that it is written for."
    )
    system: Text = Field(description="The system prompt; may be empty.")
    examples: list[ExampleBody] = Field(
        default_factory=list, max_length=MOST_EXAMPLES, description="Turns before the conversation."
    )
    variables: list[VariableBody] = Field(
        default_factory=list, max_length=MOST_VARIABLES, description="The values that it takes."
    )
    options: OptionsSchema | None = Field(
        default=None, description="Generation options for requests that leave them out."
    )
    tags: list[Annotated[str, Field(pattern=NAME_PATTERN)]] = Field(
        default_factory=list, max_length=MOST_TAGS, description="For `?tag=`."
    )

    def to_template(self, name: str) -> PromptTemplate:
        """A template that is not stored yet. Raises SllmError `invalid_parameter` for a response
        schema that cannot be enforced."""
        now = datetime.now(UTC)
        titles = {code: text for code, text in (self.title or {}).items() if text}
        return PromptTemplate(
            name=name,
            title=titles or {UNTOLD: name},
            description=self.description or {},
            language=self.language,
            system=self.system,
            created_at=now,
            updated_at=now,
            examples=tuple(ExampleTurn(turn.user, turn.assistant) for turn in self.examples),
            variables=tuple(variable.to_domain() for variable in self.variables),
            options=given_options(self.options),
            tags=tuple(self.tags),
            builtin=False,
        )


def given_options(options: OptionsSchema | None) -> dict[str, Any]:
    """The options that are set, named as in a request. SllmError `invalid_parameter`."""
    if options is None:
        return {}
    options.to_options(1)  # refuses what no request could use
    dumped = options.model_dump(mode="json", by_alias=True, exclude_unset=True)
    return {name: value for name, value in dumped.items() if value is not None}


class NewTemplate(TemplateBody):
    """A template and the name that it will have."""

    model_config = STRICT | ConfigDict(
        json_schema_extra={"examples": [{"name": "translator", **EXAMPLE}]}
    )

    name: str = Field(
        pattern=NAME_PATTERN,
        description="1 to 64 of a-z, 0-9, _ and -; yours alone, and none of a built-in one's.",
        examples=["translator"],
    )


class TemplateVersions(PageSchema):
    """A page of a template's versions."""

    items: list[TemplateSchema] = Field(
        description="Whole templates, the newest version first; `updated_at` is when it was made."
    )


ETAG: dict[str, Any] = {
    "description": "The template's version, for If-Match.",
    "schema": {"type": "string", "examples": ['"3"']},
}
LOCATION: dict[str, Any] = {
    "description": "The new template's path.",
    "schema": {"type": "string"},
}
CREATE_RESPONSES = {201: {"headers": {"ETag": ETAG, "Location": LOCATION}}, **WRITE_RESPONSES}
CHANGE_RESPONSES = {200: {"headers": {"ETag": ETAG}}, **WRITE_RESPONSES}
