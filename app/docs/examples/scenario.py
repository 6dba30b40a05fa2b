"""What is asked for the examples: each version's routes in an order in which they make sense.

`$name` in a path, a query or a body stands for what an earlier answer gave (`Step.keep`).
"""

from typing import Any

from msgspec import Struct

from app.docs.examples.pictures import CIRCLE

BRIEF: dict[str, Any] = {"max_tokens": 16, "temperature": 0}
CONVERSATION = "/conversations/{conversation_id}"
MESSAGE = CONVERSATION + "/messages/{message_id}"
TEMPLATES = "/prompt/templates"
PET_SCHEMA = {
    "type": "object",
    "properties": {"name": {"type": "string", "maxLength": 12}},
    "required": ["name"],
    "additionalProperties": False,
}


class Step(Struct, frozen=True):
    """One request. `values` fill the braces of `route`; `keep` names parts of the answer, as
    `message_id` or `images.0.id`."""

    title: str
    method: str
    route: str
    body: Any = None
    values: dict[str, str] = {}
    query: str = ""
    headers: dict[str, str] = {}
    form: dict[str, str] = {}
    keep: dict[str, str] = {}


def _chat(title: str, message: str, route: str = "/chat", **fields: Any) -> Step:
    return Step(title, "POST", route, {"message": message, **BRIEF, **fields})


_ONE = _chat("One question", "What is the capital of France?")
_STREAM = _chat("Streamed", "Say hello.", "/chat/stream", max_tokens=8)
_UNKNOWN_FIELD = Step(
    "A field that does not exist", "POST", "/chat", {"message": "Hi", "max_token": 16}
)
_HISTORY = Step(
    "A conversation that the client keeps",
    "POST",
    "/chat",
    {
        "messages": [
            {"role": "system", "content": "Answer in one sentence."},
            {"role": "user", "content": "My name is Mina."},
            {"role": "assistant", "content": "Hello Mina!"},
            {"role": "user", "content": "What is my name?"},
        ],
        **BRIEF,
    },
)
_SCHEMA = _chat(
    "An answer held to a JSON Schema",
    "Name a pet.",
    max_tokens=32,
    response_format={"type": "json_schema", "json_schema": {"schema": PET_SCHEMA}},
)
_V1 = (_ONE, _HISTORY, _SCHEMA, _UNKNOWN_FIELD)
_V2 = (_ONE, _HISTORY, _STREAM, _UNKNOWN_FIELD)

_SQL: dict[str, Any] = {
    "template": "sql_assistant",
    "variables": {"dialect": "SQLite", "schema": "customers(id, name)"},
}
_READ_TEMPLATES = (
    Step("Templates with a tag", "GET", TEMPLATES, query="tag=code"),
    Step("One template", "GET", TEMPLATES + "/{name}", values={"name": "code_assistant"}),
    Step(
        "A template filled in",
        "POST",
        TEMPLATES + "/{name}/render",
        {"variables": {"language": "English", "length": "one sentence"}},
        {"name": "default"},
    ),
    Step(
        "A template that does not exist", "GET", TEMPLATES + "/{name}", values={"name": "missing"}
    ),
)
_V3 = (
    _ONE,
    _chat("With a template", "How many customers are there?", **_SQL),
    _STREAM,
    *_READ_TEMPLATES,
    _chat("A variable that is missing", "Hi", template="sql_assistant"),
)

_TRANSLATOR = {
    "system": "Translate into {{target}}.",
    "variables": [{"name": "target", "default": "Korean"}],
}


def _write_templates(name: str) -> tuple[Step, ...]:
    """A name for each scenario: the versions of a deleted template go on when it is made anew."""
    mine, at = {"name": name}, TEMPLATES + "/{name}"
    stricter = {**_TRANSLATOR, "system": "Translate into {{target}}. Nothing else."}
    made_from = {"If-Match": '"$made"'}
    return (
        Step(
            "A template of your own", "POST", TEMPLATES, mine | _TRANSLATOR,
            keep={"made": "version"},
        ),
        Step("A new version of it", "PUT", at, stricter, mine, headers=made_from),
        Step("Somebody was quicker", "PUT", at, _TRANSLATOR, mine, headers=made_from),
        Step("Its versions", "GET", at + "/versions", values=mine),
        Step(
            "The first version again", "POST", at + "/versions/{version}/restore",
            values={**mine, "version": "$made"},
        ),
        Step("A template deleted", "DELETE", at, values=mine),
    )  # fmt: skip


_HERE = {"conversation_id": "$conversation_id", "message_id": "$message_id"}
_TALK = (
    Step(
        "A conversation begins",
        "POST",
        "/chat",
        {"message": "My name is Mina.", "metadata": {"project": "demo"}, **BRIEF},
        headers={"Idempotency-Key": "example-1"},
        keep={
            "conversation_id": "conversation_id",
            "message_id": "message_id",
            "question_id": "parent_id",
        },
    ),
    _chat("It goes on", "What is my name?", conversation_id="$conversation_id"),
    _chat("Streamed", "Say hello.", "/chat/stream", conversation_id="$conversation_id"),
    Step("With a label", "GET", "/conversations", query="metadata.project=demo"),
    Step("With its messages", "GET", CONVERSATION, values=_HERE),
    Step("One message", "GET", MESSAGE, values=_HERE),
    Step("Another answer", "POST", MESSAGE + "/regenerate", BRIEF, _HERE),
    Step("Another answer, streamed", "POST", MESSAGE + "/regenerate/stream", BRIEF, _HERE),
    Step(
        "Other words for a question",
        "PATCH",
        MESSAGE,
        {"content": "My name is Minjun."},
        _HERE | {"message_id": "$question_id"},
    ),
    Step(
        "Another title, another branch",
        "PATCH",
        CONVERSATION,
        {"title": "Names", "current_message_id": "$message_id"},
        _HERE,
    ),
    Step(
        "A conversation as Markdown",
        "GET",
        CONVERSATION + "/export",
        None,
        _HERE,
        "format=markdown",
    ),
    Step("All conversations as JSON Lines", "GET", "/conversations/export"),
    Step(
        "A conversation brought along",
        "POST",
        "/conversations/import",
        {
            "format": "sllm.conversation",
            "version": 1,
            "title": "The sky",
            "messages": [
                {"id": "a", "role": "user", "content": "Why is the sky blue?"},
                {"id": "b", "parent_id": "a", "role": "assistant", "content": "Air scatters it."},
            ],
        },
    ),
    Step("A conversation deleted", "DELETE", CONVERSATION, values=_HERE),
    Step("A conversation that is gone", "GET", CONVERSATION, values=_HERE),
    Step("Delete them all", "DELETE", "/conversations", query="confirm=all"),
)
_TOKENS = (
    Step("Tokens of a text", "POST", "/tokenize", {"text": "Why is the sky blue?"}),
    Step(
        "Tokens of a chat",
        "POST",
        "/tokenize",
        {"messages": [{"role": "user", "content": "하늘은 왜 파란가요?"}]},
    ),
)
_COMMON = (*_READ_TEMPLATES, *_TOKENS, _UNKNOWN_FIELD)
_V4 = (*_TALK, *_write_templates("translator"), *_COMMON)

_SEEING = (
    Step("What is loaded", "GET", "/vision/info"),
    Step(
        "An image in JSON",
        "POST",
        "/vision/chat",
        {"message": "What color is the shape?", "images": [{"data": CIRCLE}], "temperature": 0},
        keep={"conversation_id": "conversation_id", "image_id": "images.0.id"},
    ),
    Step(
        "A follow-up needs no image",
        "POST",
        "/vision/chat",
        {
            "message": "이 도형은 무엇인가요?",
            "conversation_id": "$conversation_id",
            "temperature": 0,
        },
    ),
    Step(
        "An image in a form",
        "POST",
        "/vision/chat",
        form={"message": "What shape is in the image?", "temperature": "0", "image": "@circle.png"},
    ),
    Step(
        "About an image, streamed",
        "POST",
        "/vision/chat/stream",
        {
            "message": "Is there a circle?",
            "images": [{"id": "$image_id"}],
            "conversation_id": "$conversation_id",
            "temperature": 0,
        },
    ),
    Step("The image again", "GET", "/images/{image_id}", values={"image_id": "$image_id"}),
    Step(
        "A file that is no image",
        "POST",
        "/vision/chat",
        {"message": "What is this?", "images": [{"data": "bm8gaW1hZ2U="}]},
    ),
)
_V5 = (*_SEEING, *_TALK, *_write_templates("interpreter"), *_COMMON)
SCENARIOS: dict[str, tuple[Step, ...]] = {
    "v1": _V1,
    "v2": _V2,
    "v3": _V3,
    "v4": _V4,
    "v5": _V5,
}
