"""Images in items: taken in as v5's are, kept with the conversation, and seen again."""

from typing import Any

from tests.openai.kept import begin, fault, get, respond, text_of
from tests.support import Server
from tests.v5.support import ask, files, image

LOOK = {"type": "input_text", "text": "What is it?"}


def url() -> str:
    return f"data:image/png;base64,{image()['data']}"


def shown(**fields: Any) -> dict[str, Any]:
    return {"role": "user", "content": [LOOK, {"type": "input_image", **fields}]}


def test_an_image_is_seen_kept_and_seen_again(vision: Server) -> None:
    answer = respond(vision.http, [shown(image_url=url(), detail="low")])
    assert text_of(answer).startswith("I see 1 image: 40x20")
    assert answer["model"] == "scripted-vision"
    page = get(vision.http, f"responses/{answer['id']}/input_items")
    part, words = page["data"][0]["content"]
    assert (part["type"], part["image_url"], words["text"]) == ("input_image", None, "What is it?")
    assert vision.http.get(f"/api/v5/images/{part['file_id']}").status_code == 200
    more = respond(vision.http, "And now?", previous_response_id=answer["id"])
    assert text_of(more).startswith("I see 1 image: 40x20")
    v5 = ask(vision.http, "And now?", conversation_id=answer["conversation"]["id"])
    assert v5["response"].startswith("I see 1 image: 40x20")


def test_an_image_that_is_kept_already(vision: Server) -> None:
    first = ask(vision.http, "Look", image())
    id_ = first["images"][0]["id"]
    answer = respond(vision.http, [shown(file_id=id_)])
    assert text_of(answer).startswith("I see 1 image: 40x20")
    assert fault(
        vision.http.post("/v1/responses", json={"input": [shown(file_id="img_" + "0" * 32)]})
    ) == (404, "not_found", "input")


def test_an_image_of_a_conversation_s_items(vision: Server) -> None:
    id_ = begin(vision.http, shown(image_url=url()))
    answer = respond(vision.http, conversation=id_)
    assert text_of(answer).startswith("I see 1 image")


def test_images_that_cannot_be_taken(vision: Server) -> None:
    for fields, status, code in (
        ({"image_url": "https://example.com/a.png"}, 400, "image_url_not_allowed"),
        ({"image_url": "data:image/png;base64,AAAA"}, 415, "unsupported_media_type"),
        ({"image_url": "data:image/png;base64,!"}, 400, "invalid_image"),
    ):
        answer = vision.http.post("/v1/responses", json={"input": [shown(**fields)]})
        assert fault(answer) == (status, code, "input")


def test_without_a_model_that_sees(scripted: Server) -> None:
    answer = scripted.http.post("/v1/responses", json={"input": [shown(image_url=url())]})
    assert fault(answer)[:2] == (503, "model_unavailable")


def test_nothing_of_an_image_is_left(vision: Server) -> None:
    folder = vision.log_path.parent
    before = files(folder)
    picture = f"data:image/png;base64,{image(33, 17, (1, 2, 3))['data']}"
    respond(vision.http, [shown(image_url=picture)], store=False)
    assert files(folder) == before
    answer = respond(vision.http, [shown(image_url=picture)])
    assert len(files(folder)) == len(before) + 1
    vision.http.delete(f"/v1/responses/{answer['id']}")
    assert files(folder) == before
