"""`GET /v1/models`: what `model` may name."""

from tests.openai.chats import CHAT, body_of, refusal
from tests.support import Server
from tests.v4.owners import Owners
from tests.v5.support import seeing


def test_every_loaded_model_is_listed(vision: Server) -> None:
    listed = vision.http.get("/v1/models").json()
    assert listed["object"] == "list"
    assert [model["id"] for model in listed["data"]] == ["scripted", "scripted-vision"]
    assert set(listed["data"][0]) == {"id", "object", "created", "owned_by"}


def test_one_model_is_told_of(vision: Server) -> None:
    assert vision.http.get("/v1/models/scripted").json()["id"] == "scripted"


def test_another_name_is_not_found(vision: Server) -> None:
    for name in ("gpt-5", "owner/name", "owner%2Fname"):
        answer = vision.http.get(f"/v1/models/{name}")
        assert refusal(answer) == (404, "not_found", "model"), name


def test_unknown_paths_speak_the_same_dialect(scripted: Server) -> None:
    assert refusal(scripted.http.get("/v1/nothing")) == (404, "not_found", None)
    assert refusal(scripted.http.get("/v1/chat/completions"))[:2] == (405, "method_not_allowed")


def test_no_model_here_gives_embeddings(scripted: Server) -> None:
    for given in ("text", ["one", "two"], [1, 2]):
        body = {"model": "scripted", "input": given}
        answer = scripted.http.post("/v1/embeddings", json=body)
        assert refusal(answer) == (400, "unsupported_by_engine", "model")


def test_every_route_is_in_the_reference(scripted: Server) -> None:
    document = scripted.http.get("/openapi.json").json()
    for path in ("/v1/models", "/v1/chat/completions", "/v1/completions", "/v1/embeddings"):
        for operation in document["paths"][path].values():
            assert operation["tags"] == ["openai"]
            assert operation["summary"]
            refused = operation["responses"]["503"]["content"]["application/json"]["schema"]
            assert refused == {"$ref": "#/components/schemas/OpenAiErrorResponse"}


def test_a_wrong_key_is_told_in_the_dialect(owners: Owners) -> None:
    headers = {"Authorization": "Bearer wrong"}
    answer = owners.mine.get("/v1/models", headers=headers)
    assert refusal(answer) == (401, "unauthorized", None)
    assert answer.json()["error"]["type"] == "authentication_error"
    assert owners.mine.get("/v1/models").status_code == 200


def test_a_model_that_is_being_loaded_is_not_unknown(vision: Server) -> None:
    def asked(words: str) -> tuple[int, str, str | None]:
        return refusal(vision.http.post(CHAT, json=body_of(words) | {"model": "scripted-vision"}))

    assert asked("#words=3 #crash=1 of the one that sees")[0] == 503
    vision.wait_until(lambda: vision.health()["models"]["vision"]["status"] == "loading")
    assert asked("hi") == (503, "model_loading", None)
    seeing(vision)
