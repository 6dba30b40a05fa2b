"""Templates and names that are refused, and why; whatever bytes they are made of."""

import json
from pathlib import Path
from typing import Any

import pytest

from app.v3.prompts import BUILTIN
from tests.edge.raw_http import Answer, RawServer, request_bytes
from tests.support import ROOT
from tests.torture.cases import NOT_TEXT, ODD_TEXTS
from tests.v4.owners import PATH, Owners, error, make, names

VARIABLE = {"name": "a"}
WRONG: dict[str, tuple[dict[str, Any], list[str]]] = {
    "Jinja": ({"system": "{{ ''.__class__ }}"}, ["system"]),
    "a Jinja loop": ({"system": "{{% for x in y %}}"}, ["system"]),
    "a placeholder of nothing": ({"system": "{{a}}"}, ["system"]),
    "a placeholder in an example": (
        {"examples": [{"user": "a", "assistant": "{{b}}"}], "variables": [VARIABLE]},
        ["examples.0.assistant"],
    ),
    "half a placeholder": ({"system": "{{a", "variables": [VARIABLE]}, ["system"]),
    "a variable twice": ({"variables": [VARIABLE, VARIABLE]}, ["variables.1.name"]),
    "a variable's name": ({"variables": [{"name": "A-b"}]}, ["variables.0.name"]),
    "no name": ({"variables": [{"type": "string"}]}, ["variables.0.name"]),
    "a number that is text": (
        {"variables": [{"name": "a", "type": "number", "default": "5"}]}, ["variables.0.default"]
    ),
    "a default of no type": (
        {"variables": [{"name": "a", "default": {"x": [1]}}]}, ["variables.0.default"]
    ),
    "a default of no choice": (
        {"variables": [{"name": "a", "type": "enum", "values": ["x"], "default": "y"}]},
        ["variables.0.default"],
    ),
    "a required one with a default": (
        {"variables": [{"name": "a", "required": True, "default": "x"}]}, ["variables.0.default"]
    ),
    "an enum of nothing": ({"variables": [{"name": "a", "type": "enum"}]}, ["variables.0.values"]),
    "values of no enum": ({"variables": [{"name": "a", "values": ["x"]}]}, ["variables.0.values"]),
    "a type": ({"variables": [{"name": "a", "type": "date"}]}, ["variables.0.type"]),
    "65 variables": ({"variables": [{"name": f"a{n}"} for n in range(65)]}, ["variables"]),
    "an option": ({"options": {"temperature": 3}}, ["options.temperature"]),
    "an unknown option": ({"options": {"n_discard": 1}}, ["options.n_discard"]),
    "an option's type": ({"options": {"max_tokens": "5"}}, ["options.max_tokens"]),
    "a language": ({"language": "fr"}, ["language"]),
    "a tag": ({"tags": ["ok", "Not ok"]}, ["tags.1"]),
    "17 tags": ({"tags": ["a"] * 17}, ["tags"]),
    "a title's type": ({"title": 5}, ["title"]),
    "a title's language": ({"title": {"fr": "x"}}, ["title"]),
    "a title inside": ({"title": {"en": 5}}, ["title"]),
    "our own mark": ({"title": {"und": "x"}}, ["title"]),
    "a long title": ({"title": "x" * 201}, ["title"]),
    "a long description": ({"description": {"ko": "가" * 2001}}, ["description"]),
    "no system prompt": ({"system": None}, ["system"]),
    "an empty example": ({"examples": [{"user": "", "assistant": "x"}]}, ["examples.0.user"]),
    "an unknown field": ({"builtin": True}, ["builtin"]),
    "too much": ({"system": "x" * 65_536}, ["system"]),
    "too much in Korean": (
        {"examples": [{"user": "가" * 11_000, "assistant": "나" * 11_000}]}, ["examples"]
    ),
    "many things at once": (
        {"system": "{{b}}", "variables": [{"name": "a", "default": 5}, VARIABLE]},
        ["variables.0.default", "variables.1.name", "system"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG)
def test_what_a_template_says_is_checked(owners: Owners, case: str) -> None:
    fields, wrong = WRONG[case]
    body = {"system": "x", **fields}
    before = make(owners.mine)
    for answer in (
        owners.mine.post(PATH, json={"name": "new", **body}),
        owners.mine.put(f"{PATH}/own", json=body),
    ):
        assert error(answer)[:2] == (422, "invalid_request")
        told = answer.json()["error"]["details"]["errors"]
        assert [item["field"] for item in told] == wrong
        for item in told:
            assert "{" not in item["reason"].replace("{{", "")
            assert "not valid here" not in item["reason"]
    assert owners.mine.get(f"{PATH}/own").json() == before
    assert names(owners.mine) == [*BUILTIN, "own"]


def test_a_response_schema_that_cannot_be_enforced_is_refused(owners: Owners) -> None:
    schema = {"type": "string", "pattern": "(?=a)b"}
    wanted = {"type": "json_schema", "json_schema": {"name": "a", "schema": schema}}
    body = {"name": "own", "system": "x", "options": {"response_format": wanted}}
    answer = owners.mine.post(PATH, json=body)
    assert answer.status_code == 400
    assert "response_format" in answer.json()["error"]["message"]


def test_what_is_at_the_limits_is_taken(owners: Owners) -> None:
    name, variable = "a" * 64, {"name": "big", "type": "number", "default": 99999999999999999999}
    # Its own name, the variable's and its type's, "multi", the title with its mark, and the tag.
    others = len(name) + len("bignumbermultiund") + 3 * 60 + 64
    fields = {"title": "가" * 60, "tags": ["t" * 64], "variables": [variable]}
    body = make(owners.mine, name, system="x" * (65_536 - others), **fields)
    assert owners.mine.get(f"{PATH}/{name}").json() == body
    more = owners.mine.put(f"{PATH}/{name}", json={"system": body["system"] + "x", **fields})
    assert error(more) == (422, "invalid_request", "system")


def test_nulls_in_a_response_schema_stay(owners: Owners) -> None:
    null = {"type": "object", "properties": {"a": {"const": None}}}
    wanted = {"type": "json_schema", "json_schema": {"name": "a", "schema": null}}
    kept = make(owners.mine, "null", options={"response_format": wanted, "seed": None})
    assert kept["options"] == {"response_format": wanted}


@pytest.mark.parametrize("name", ODD_TEXTS)
def test_odd_text_is_kept_as_it_is(owners: Owners, name: str) -> None:
    text = ODD_TEXTS[name]
    answer = owners.mine.post(PATH, json={"name": "odd", "system": text})
    if answer.status_code == 422:
        assert len(text.encode()) > 60_000 or "{{" in text or not text
        return
    assert answer.status_code == 201, answer.text
    assert owners.mine.get(f"{PATH}/odd").json()["system"] == text


@pytest.mark.parametrize("place", ["name", "system", "title", "description", "tags"])
@pytest.mark.parametrize("name", NOT_TEXT)
def test_what_is_no_text_is_refused(owners: Owners, place: str, name: str) -> None:
    body = {"name": '"own"', "system": '"x"', place: NOT_TEXT[name]}
    raw = "{" + ", ".join(f'"{key}": {value}' for key, value in body.items()) + "}"
    head = {"Authorization": f"Bearer {owners.key}"}
    answer = RawServer(owners.server.port).post(PATH, raw.encode(), head)
    assert (answer.status, json.loads(answer.body)["error"]["code"]) == (400, "invalid_json")


NO_NAMES = [
    "", "..", ".", "../default", "..\\default", "a/b", "default.json", "-rf", "_a", " ", " a", "a ",
    "a\n", "CON", "Default", "DEFAULT", "default ", "ａ", "\u212a", "ﬁ", "é", "e\u0301",
    "\ud55c\uae00", "\u1112\u1161\u11ab", "👩‍💻", "\u202eabc", "\u200b", "a" * 65, "a" * 256,
    ";drop", "'", "a'--", "%00", "%2e%2e", "{name}", "{{a}}", 5, None, True, [], {},
]  # fmt: skip


@pytest.mark.parametrize("name", NO_NAMES, ids=ascii)
def test_only_plain_names_can_be_made(owners: Owners, name: Any) -> None:
    answer = owners.mine.post(PATH, json={"name": name, "system": "x"})
    assert error(answer) == (422, "invalid_request", "name")
    assert names(owners.mine) == list(BUILTIN)


# As bytes of the request line: clients tidy paths up before they send them.
STRANGE = [
    "..", ".", "%2e%2e%2f", "..%5c", "%252e%252e%252f", "a%2fb", "..%2fprompts%2fdefault",
    "%2e%2e%2f%2e%2e%2fsllm.db", "%00", "own%00", "own%00.json", "own.json", "CON", "Own", "OWN",
    "%EF%BD%8Fwn", "%E2%84%AA", "%C0%AE", "%ED%A0%80", "a" * 256, "a" * 5000, "-rf", "%20",
    "own%20", "%20own", ";drop", "'", "%F0%9F%91%A9", "%E2%80%AEnwo", "e%CC%81", "%C3%A9",
    "%EA%B0%80", "%E1%84%80%E1%85%A1", "keys.json", "{name}", "%7B%7D", "%", "%zz",
]  # fmt: skip
REQUESTS = [
    ("GET", "", None), ("PUT", "", b'{"system": "x"}'), ("DELETE", "", None),
    ("GET", "/versions", None), ("POST", "/versions/1/restore", None), ("POST", "/render", b"{}"),
]  # fmt: skip


def raw(owners: Owners, method: str, path: str, body: bytes | None) -> Answer:
    head = {"Host": "localhost", "Authorization": f"Bearer {owners.key}"}
    if body is not None:
        head |= {"Content-Type": "application/json", "Content-Length": str(len(body))}
    data = request_bytes(method, path, head) + (body or b"")
    return RawServer(owners.server.port).send(data)


def files(owners: Owners) -> set[Path]:
    """What lies where a name could lead: beside the database, the keys and the built-in ones."""
    found = [*owners.server.log_path.parent.rglob("*"), *(ROOT / "app/v3/prompts").iterdir()]
    return {path for path in found if not path.name.startswith("sllm.db")}


@pytest.mark.parametrize("name", STRANGE)
def test_a_strange_name_in_a_path_is_only_a_name(owners: Owners, name: str) -> None:
    made, before = make(owners.mine), files(owners)
    for method, rest, body in REQUESTS:
        answer = raw(owners, method, f"{PATH}/{name}{rest}", body)
        assert answer.status in (400, 404, 405, 422), (method, rest, answer.body[:200])
        if answer.status == 400:  # not HTTP at all
            assert name in ("%", "%zz"), (method, rest, answer.body[:200])
        assert name in (".", "..") or name.encode() not in answer.body
        for told in (b"app/", b"prompts/", b".json", b".db", b"/tmp"):
            assert told not in answer.body
    assert files(owners) == before
    assert owners.mine.get(f"{PATH}/own").json() == made
    assert names(owners.mine) == [*BUILTIN, "own"]
