"""The routes that list, show and fill in templates, on the scripted engine."""

import json
from typing import Any

import pytest

from app.domain.prompt_templates import PLACEHOLDER, texts_of
from app.i18n import LANGUAGES
from app.v3.prompts import BUILTIN
from tests.edge.raw_http import RawServer, request_bytes
from tests.support import Server

PATH = "/api/v3/prompt/templates"
NAMES = ["default", "code_assistant", "creative_writer", "sql_assistant", "therapy_assistant"]


def got(server: Server, path: str = "", language: str = "en") -> dict[str, Any]:
    answer = server.http.get(PATH + path, headers={"Accept-Language": language})
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-language"] == language
    assert "accept-language" in answer.headers["vary"].lower()
    body: dict[str, Any] = answer.json()
    return body


def test_the_list_has_the_contract_s_fields(scripted: Server) -> None:
    body = got(scripted)
    assert [item["name"] for item in body["items"]] == NAMES
    assert {key: body[key] for key in ("total", "page", "page_size", "pages")} == {
        "total": 5, "page": 1, "page_size": 20, "pages": 1,
    }  # fmt: skip
    for item in body["items"]:
        assert set(item) == {
            "name", "title", "description", "language", "variables", "tags", "builtin",
        }  # fmt: skip
        assert item["builtin"] is True


@pytest.mark.parametrize(
    ("query", "names", "pages"),
    [
        ("?page_size=2", NAMES[:2], 3),
        ("?page_size=2&page=3", NAMES[4:], 3),
        ("?page_size=2&page=4", [], 3),
        ("?page_size=5", NAMES, 1),
        ("?tag=code", ["code_assistant", "sql_assistant"], 1),
        ("?tag=code&page_size=1&page=2", ["sql_assistant"], 2),
        ("?tag=nothing", [], 0),
        ("?language=ko", NAMES, 1),
        ("?language=multi&tag=wellbeing", ["therapy_assistant"], 1),
    ],
)
def test_the_list_is_filtered_and_paged(
    scripted: Server, query: str, names: list[str], pages: int
) -> None:
    body = got(scripted, query)
    assert [item["name"] for item in body["items"]] == names
    assert body["pages"] == pages


@pytest.mark.parametrize(
    "query",
    [
        "page=0", "page=-1", "page=x", "page=", "page=1.0", "page=1_0", "page=%201", "page=１",
        "page=99999999999999999999", "page_size=0", "page_size=101", "page_size=1e2", "tag=A",
        "tag=", "tag=%00", "tag=a%20b", "language=fr", "language=", "q=x", "Page=1",
    ],
)  # fmt: skip
def test_a_query_is_read_strictly(scripted: Server, query: str) -> None:
    answer = scripted.http.get(f"{PATH}?{query}")
    assert answer.status_code == 422
    error = answer.json()["error"]
    assert (error["code"], error["param"]) == ("invalid_request", query.split("=")[0])


@pytest.mark.parametrize("name", NAMES)
def test_a_template_has_the_contract_s_fields(scripted: Server, name: str) -> None:
    body = got(scripted, f"/{name}")
    assert set(body) == {
        "name", "title", "description", "language", "system", "examples", "variables", "options",
        "tags", "builtin", "version", "created_at", "updated_at",
    }  # fmt: skip
    assert (body["name"], body["version"]) == (name, 1)
    assert body["created_at"].endswith("Z")
    for variable in body["variables"]:
        assert set(variable) == {"name", "description", "required", "default", "type", "values"}


@pytest.mark.parametrize("name", NAMES)
def test_a_template_is_described_in_both_languages(scripted: Server, name: str) -> None:
    english, korean = (got(scripted, f"/{name}", language) for language in LANGUAGES)
    for key in ("title", "description"):
        assert english[key].isascii()
        assert any("가" <= letter <= "힣" for letter in korean[key])
    for left, right in zip(english["variables"], korean["variables"], strict=True):
        assert left["description"] != right["description"]
    assert english["system"] == korean["system"]


@pytest.mark.parametrize("name", NAMES)
def test_every_variable_of_a_built_in_is_used(name: str) -> None:
    template = BUILTIN[name]
    used = {name for _, text in texts_of(template) for name in PLACEHOLDER.findall(text)}
    assert used == {variable.name for variable in template.variables}
    for variable in template.variables:
        assert variable.required or variable.default is not None


def test_the_listener_knows_where_help_is() -> None:
    template = BUILTIN["therapy_assistant"]
    for text in (template.system, template.examples[-1].assistant, *template.description.values()):
        assert "109" in text
        assert "1577-0199" in text
    assert "not a doctor" in template.system
    assert "Never make a diagnosis" in template.system
    assert "local emergency number" in template.system


# As bytes of the request line: clients tidy paths up before they send them.
STRANGE_NAMES = [
    "..", ".", "..%5c", "%252e%252e%252f", "a%2fb", "..%2fprompts%2fdefault", "%00",
    "a%00.json", "default.json", "default%00", "CON", "Default", "DEFAULT", "%EF%BD%84efault",
    "%E2%84%AA", "%C0%AE", "a" * 256, "a" * 5000, "-rf", "%20", "default%20", ";drop", "'",
    "%F0%9F%91%A9", "%E2%80%AEtluafed", "__init__", "{name}", "%7B%7D",
]  # fmt: skip


def bare(path: str) -> bytes:
    return request_bytes("GET", path, {"Host": "localhost"})


@pytest.mark.parametrize("name", STRANGE_NAMES)
def test_a_strange_name_is_only_a_name(scripted_server: Server, name: str) -> None:
    raw = RawServer(scripted_server.port)
    for path in (f"{PATH}/{name}", f"{PATH}/{name}/render"):
        answer = raw.post(path, b"{}") if path.endswith("/render") else raw.send(bare(path))
        assert answer.status in (404, 405), (path, answer.body[:200])
        assert json.loads(answer.body)["error"]["code"] in ("not_found", "method_not_allowed")
        assert b"app" not in answer.body
        assert b".json" not in answer.body


@pytest.mark.parametrize("name", ["default/", "default//", "%2e%2e%2f"])
def test_a_slash_at_the_end_is_at_most_a_redirect(scripted_server: Server, name: str) -> None:
    answer = RawServer(scripted_server.port).send(bare(f"{PATH}/{name}"))
    assert answer.status in (307, 404)


def test_rendering_shows_what_a_chat_begins_with(scripted: Server) -> None:
    body = {"variables": {"schema": "pet(id, name)", "dialect": "SQLite", "read_only": False}}
    answer = scripted.http.post(f"{PATH}/sql_assistant/render", json=body)
    assert answer.status_code == 200
    messages = answer.json()["messages"]
    assert [m["role"] for m in messages] == ["system", *["user", "assistant"] * 2]
    assert messages[0]["content"].startswith("You write SQLite queries for this database.")
    assert "\npet(id, name)\n" in messages[0]["content"]
    assert "Read-only mode is false." in messages[0]["content"]
    words = "".join(f"<{m['role']}> {m['content']} </{m['role']}> " for m in messages)
    assert answer.json()["prompt_tokens"] == len((words + "<user> </user> <assistant>").split())


@pytest.mark.parametrize(
    ("variables", "field", "reason"),
    [
        (None, "variables.schema", "This field is required."),
        ({}, "variables.schema", "This field is required."),
        ({"schema": None}, "variables.schema", "This field is required."),
        ({"schema": 5}, "variables.schema", "Must be a text (a JSON string)."),
        ({"schema": "x", "read_only": "yes"}, "variables.read_only", "Must be true or false."),
        ({"schema": "x", "dialect": "Cobol"}, "variables.dialect", "Must be one of PostgreSQL"),
        ({"schema": "x", "table": "y"}, "variables.table", "It has: schema, dialect, read_only"),
        ({"schema": "x", "a b\n<": "y"}, "variables.?", "This template has no such variable."),
        ({"schema": "x" * 65_536}, "variables", "at most 65536 bytes"),
        ({f"v{number}": 1 for number in range(65)}, "variables", "at most 64 items"),
        ([], "variables", "Must be a JSON object."),
    ],
)
def test_what_is_wrong_with_variables_is_named(
    scripted: Server, variables: Any, field: str, reason: str
) -> None:
    wanted = {"template": "sql_assistant", "variables": variables}
    requests = [
        (f"{PATH}/sql_assistant/render", {"variables": variables}),
        ("/api/v3/chat", {"message": "x", **wanted}),
        ("/api/v3/chat/stream", {"message": "x", **wanted}),
    ]
    for path, body in requests:
        answer = scripted.http.post(path, json=body)
        error = answer.json()["error"]
        assert (answer.status_code, error["code"], error["param"]) == (
            422,
            "invalid_request",
            field,
        )
        [told] = error["details"]["errors"]
        assert (told["field"], reason in told["reason"]) == (field, True), told


def test_the_reason_comes_in_korean(scripted: Server) -> None:
    answer = scripted.http.post(
        f"{PATH}/sql_assistant/render", json={}, headers={"Accept-Language": "ko"}
    )
    assert answer.json()["error"]["details"]["errors"] == [
        {"field": "variables.schema", "reason": "필수 필드입니다."}
    ]


def test_the_document_shows_v3_s_own_chat(scripted: Server) -> None:
    paths = {
        version: scripted.http.get(f"/api/{version}/openapi.json").json()["paths"]
        for version in ("v2", "v3")
    }
    for route in ("chat", "chat/stream"):
        bodies = {
            version: items[f"/api/{version}/{route}"]["post"]["requestBody"]["content"]
            for version, items in paths.items()
        }
        assert {v: b["application/json"]["schema"]["$ref"] for v, b in bodies.items()} == {
            "v2": "#/components/schemas/ChatRequest",
            "v3": "#/components/schemas/TemplateChatRequest",
        }
