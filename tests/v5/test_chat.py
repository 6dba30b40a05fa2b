"""Chats about images: what the model is shown, what the client is told, what stays."""

from typing import Any

import httpx
import pytest

from tests.images.samples import in_base64, plain
from tests.support import Server, sse
from tests.v4.support import again, say
from tests.v5.support import CHAT, ask, files, image, refusal


def shown(width: int, height: int, told: dict[str, Any]) -> str:
    return f"{width}x{height} #{told['sha256'][:8]}"


def test_an_answer_tells_of_its_images(vision: Server) -> None:
    body = ask(vision.http, "what?", image(40, 20), image(64, 64, "blue"))
    first, second = body["images"]
    seen = f"{shown(40, 20, first)}, {shown(64, 64, second)}"
    assert body["response"] == f"I see 2 images: {seen}. You said: what?"
    assert first.keys() == {"id", "width", "height", "media_type", "tokens", "sha256"}
    assert [each["tokens"] for each in (first, second)] == [6, 16]
    assert body["usage"]["prompt_tokens"] == 4 + 6 + 16
    assert body["model"] == "scripted-vision"


def test_a_follow_up_needs_no_image_and_finds_it_cached(vision: Server) -> None:
    first = ask(vision.http, "what?", image(200, 100))
    second = ask(vision.http, "and now?", conversation_id=first["conversation_id"])
    assert second["response"].startswith(f"I see 1 image: {shown(200, 100, first['images'][0])}.")
    assert second["images"] == []
    assert second["usage"]["cached_tokens"] >= first["images"][0]["tokens"]


def test_another_picture_of_the_same_size_is_not_taken_for_it(vision: Server) -> None:
    ask(vision.http, "what?", image(200, 100, "green"))
    other = ask(vision.http, "what?", image(200, 100, "yellow"))
    assert other["usage"]["cached_tokens"] <= 1


def test_a_stream_ends_in_the_same_answer(vision: Server) -> None:
    body = {"message": "what?", "images": [image()]}
    with vision.http.stream("POST", f"{CHAT}/stream", json=body) as response:
        assert response.status_code == 200
        events = list(sse(response.iter_lines()))
    assert [name for name, _ in events if name not in ("token", "queue")] == ["start", "done"]
    done = events[-1][1]
    assert "".join(data["text"] for name, data in events if name == "token") == done["response"]
    assert done["images"][0]["tokens"] == 6


def test_a_message_carries_its_images_wherever_it_is_read(vision: Server) -> None:
    body = ask(vision.http, "what?", image())
    id_, path = body["images"][0]["id"], f"/api/v5/conversations/{body['conversation_id']}"
    question, answer = vision.http.get(path).json()["messages"]
    assert (question["images"], answer["images"]) == ([id_], [])
    [message] = [vision.http.get(f"{path}/messages/{body['parent_id']}").json()]
    assert message["images"] == [id_]


def test_an_image_is_sent_as_it_is_kept(vision: Server) -> None:
    id_ = ask(vision.http, "what?", image())["images"][0]["id"]
    answer = vision.http.get(f"/api/v5/images/{id_}")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "image/png"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "content-disposition" not in answer.headers
    assert answer.content.startswith(b"\x89PNG")


def test_the_text_model_is_not_shown_images_and_says_so(vision: Server) -> None:
    first = ask(vision.http, "what?", image())
    for version in ("v4", "v5"):
        body = {"message": "and?", "conversation_id": first["conversation_id"]}
        answer = vision.http.post(f"/api/{version}/chat", json=body).json()
        assert answer["response"] == "You said: and?"
        assert "/api/v5/vision/chat" in answer["warnings"][0]
        assert "images" not in answer
    plainly = say(vision, "hello")
    assert plainly["warnings"] == []


def test_regenerating_keeps_the_images(vision: Server) -> None:
    first = ask(vision.http, "what?", image())
    place = f"conversations/{first['conversation_id']}/messages/{first['message_id']}/regenerate"
    seeing = vision.http.post(f"/api/v5/{place}", json={}).json()
    assert (seeing["response"], seeing["images"]) == (first["response"], first["images"])
    with vision.http.stream("POST", f"/api/v5/{place}/stream", json={}) as response:
        done = list(sse(response.iter_lines()))[-1][1]
    assert done["response"] == first["response"]
    blind = again(vision, first["conversation_id"], first["message_id"]).json()
    assert (blind["response"], len(blind["warnings"])) == ("You said: what?", 1)
    kept = vision.http.get(f"/api/v5/conversations/{first['conversation_id']}").json()
    assert kept["messages"][0]["images"] == [first["images"][0]["id"]]


def test_regenerating_without_images_asks_the_text_model(vision: Server) -> None:
    first = say(vision, "hello")
    place = f"conversations/{first['conversation_id']}/messages/{first['message_id']}/regenerate"
    answer = vision.http.post(f"/api/v5/{place}").json()
    assert (answer["model"], "images" in answer) == ("scripted", False)


def test_an_edited_question_shows_the_same_images(vision: Server) -> None:
    first = ask(vision.http, "what?", image())
    path = f"/api/v5/conversations/{first['conversation_id']}/messages"
    edited = vision.http.patch(f"{path}/{first['parent_id']}", json={"content": "which?"}).json()
    [id_] = edited["images"]
    assert id_ != first["images"][0]["id"]
    answer = vision.http.post(f"{path}/{edited['id']}/regenerate", json={}).json()
    assert answer["response"].endswith("You said: which?")
    assert answer["images"][0]["sha256"] == first["images"][0]["sha256"]


def test_another_branch_does_not_see_them(vision: Server) -> None:
    root = ask(vision.http, "hello")
    ask(vision.http, "what?", image(), conversation_id=root["conversation_id"])
    beside = ask(
        vision.http,
        "and?",
        conversation_id=root["conversation_id"],
        parent_id=root["message_id"],
    )
    assert beside["response"] == "You said: and?"


def test_the_same_key_is_one_message(vision: Server, tmp_path: Any) -> None:
    headers = {"Idempotency-Key": f"vision-{tmp_path.name}"}
    first = ask(vision.http, "what?", image(), headers=headers)
    assert ask(vision.http, "what?", image(), headers=headers) == first
    parts: Any = {"message": (None, "what?"), "image": (None, plain())}
    assert vision.http.post(CHAT, files=parts, headers=headers).json() == first
    other = {"message": "what?", "images": [image(30, 30)]}
    assert refusal(vision.http.post(CHAT, json=other, headers=headers))[1] == "conflict"


def test_a_kept_image_is_shown_again_by_its_id(vision: Server) -> None:
    first = ask(vision.http, "what?", image())["images"][0]
    second = ask(vision.http, "again?", {"id": first["id"]})
    [again_] = second["images"]
    assert again_["id"] != first["id"]
    assert again_["sha256"] == first["sha256"]
    vision.http.delete(f"/api/v5/conversations/{second['conversation_id']}")
    assert vision.http.get(f"/api/v5/images/{first['id']}").status_code == 200


def test_text_of_an_image_is_told_in_words_to_models_without_a_place_for_it(
    vision: Server,
) -> None:
    body = ask(vision.http, "what?", image() | {"ocr": "EXIT"})
    assert body["response"].endswith("You said: [Text in image 1: EXIT]\n\nwhat?")
    lens = {"message": "what?", "images": [image() | {"lens_keywords": "door"}]}
    answer = vision.http.post(CHAT, json=lens)
    assert refusal(answer) == (400, "unsupported_by_engine", "images")


def test_a_refused_message_leaves_nothing(vision: Server) -> None:
    kept = files(vision.log_path.parent)
    big = {"message": "word " * 5000, "images": [image(33, 44, "pink")]}
    assert refusal(vision.http.post(CHAT, json=big))[1] == "context_length_exceeded"
    assert files(vision.log_path.parent) == kept


@pytest.mark.parametrize("model", ["scripted", "nothing"])
def test_another_model_is_not_found(vision: Server, model: str) -> None:
    answer = vision.http.post(CHAT, json={"message": "what?", "images": [image()], "model": model})
    assert refusal(answer) == (404, "not_found", "model")
    assert answer.json()["error"]["details"] == {"available": ["scripted-vision"]}


def test_a_client_that_leaves_frees_its_slot(vision: Server) -> None:
    body = {"message": "#words=4000 #pace=20", "images": [image()]}
    with vision.http.stream("POST", f"{CHAT}/stream", json=body) as response:
        # Held: an iterator that is dropped closes the connection.
        told = sse(response.iter_lines())
        assert "token" in (name for name, _ in told)
        vision.wait_until(lambda: vision.health()["models"]["vision"]["slots"]["busy"] == 1)
    vision.wait_until(lambda: vision.health()["models"]["vision"]["slots"]["busy"] == 0)


def test_data_urls_are_taken_as_data(vision: Server) -> None:
    url = f"data:image/png;base64,{in_base64(plain(format_='GIF'))}"
    assert ask(vision.http, "what?", {"data": url})["images"][0]["media_type"] == "image/gif"


def test_health_and_overview_name_the_model(vision: Server) -> None:
    assert vision.http.get("/").json()["models"]["vision"] == "scripted-vision"
    told = vision.http.get("/api/v5/vision/info").json()
    assert (told["status"], told["id"], told["format"]) == ("ready", "scripted-vision", "scripted")
    assert told["image"]["tokens_per_image"] == {"min": 1, "max": 64}
    assert told["image"]["max_images"] == 4
    paths = vision.http.get("/api/v5/openapi.json").json()["paths"]
    content = paths[CHAT]["post"]["requestBody"]["content"]
    assert content.keys() == {"application/json", "multipart/form-data"}


def test_without_a_model_that_sees_the_rest_works(blind_server: Server) -> None:
    for language, word in (("en", "VISION_MODEL_PATH=shapes-demo"), ("ko", "=shapes-demo로")):
        answer: httpx.Response = blind_server.http.post(
            CHAT,
            json={"message": "what?", "images": [image()]},
            headers={"Accept-Language": language},
        )
        assert refusal(answer) == (503, "model_unavailable", None)
        assert word in answer.json()["error"]["message"]
        assert int(answer.headers["retry-after"]) >= 1
    told = blind_server.http.get("/api/v5/vision/info").json()
    assert (told["status"], told["id"], told["files"]) == ("not_configured", None, [])
    assert told["image"]["tokens_per_image"] is None
    assert blind_server.http.get("/").json()["models"]["vision"] is None
    chat = blind_server.http.post("/api/v5/chat", json={"message": "hello"})
    assert chat.json()["response"] == "You said: hello"
    assert files(blind_server.log_path.parent) == []
