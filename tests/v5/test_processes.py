"""The processes behind v5: what bombs take, who dies alone, and who may finish."""

import os
import signal
from pathlib import Path

import psutil
import pytest

from tests.images import samples
from tests.images.samples import in_base64
from tests.support import Server, running, sse
from tests.v5.conftest import SETTINGS
from tests.v5.support import CHAT, ask, image, refusal, seeing

MIB = 1024 * 1024


def helpers(server: Server) -> list[psutil.Process]:
    return [each for each in server.tree() if "app.images.helper" in each.cmdline()]


def test_bombs_take_no_memory_of_the_server(vision: Server) -> None:
    bombs = [samples.bomb(13_312), samples.png_header(30_000, 30_000), samples.bomb(4_800)[:1500]]
    ask(vision.http, "what?", image())
    refusal(vision.http.post(CHAT, json={"message": "?", "images": [{"data": "AAA"}]}))
    before = vision.root().memory_info().rss
    for bomb in bombs * 7:
        body = {"message": "?", "images": [{"data": in_base64(bomb)}]}
        assert refusal(vision.http.post(CHAT, json=body))[:2] == (400, "invalid_image")
    assert vision.root().memory_info().rss - before < 20 * MIB
    assert vision.chat("control").status_code == 200


def test_the_largest_image_that_is_taken_stays_out_of_the_server(vision: Server) -> None:
    ask(vision.http, "what?", image())
    before = vision.root().memory_info().rss
    large = {"data": in_base64(samples.bomb(4_800))}
    assert ask(vision.http, "what?", large)["images"][0]["width"] == 4_800
    assert vision.root().memory_info().rss - before < 20 * MIB


def test_a_helper_that_dies_is_not_missed(vision: Server) -> None:
    ask(vision.http, "what?", image())
    for helper in helpers(vision):
        helper.kill()
    assert ask(vision.http, "what?", image())["images"][0]["width"] == 40


def test_an_engine_that_dies_takes_only_its_own_chats(tmp_path: Path) -> None:
    with running(tmp_path, SETTINGS) as server:
        seeing(server)
        body = {"message": "#crash=1 look", "images": [image()]}
        with server.http.stream("POST", f"{CHAT}/stream", json=body) as response:
            name, data = list(sse(response.iter_lines()))[-1]
        assert (name, data["error"]["code"]) == ("error", "engine_died")
        assert server.chat("control").status_code == 200
        seeing(server)
        assert ask(server.http, "what?", image())["images"][0]["width"] == 40


def test_a_draining_server_lets_the_model_that_sees_finish(tmp_path: Path) -> None:
    with running(tmp_path, SETTINGS) as server:
        seeing(server)
        body = {"message": "#words=60 #pace=20", "images": [image()]}
        with server.http.stream("POST", f"{CHAT}/stream", json=body) as response:
            events = sse(response.iter_lines())
            assert next(events)[0] == "start"
            os.kill(server.process.pid, signal.SIGTERM)
            server.wait_for("draining")
            refused = server.http.post(CHAT, json={"message": "late"})
            assert refusal(refused)[:2] == (503, "shutting_down")
            assert list(events)[-1][0] == "done"
        server.process.wait(60)


@pytest.mark.parametrize("path", ["no-such-folder", "nothing.gguf"])
def test_a_model_that_cannot_be_loaded_is_said_to_be(tmp_path: Path, path: str) -> None:
    settings = SETTINGS | {"VISION_MODEL_PATH": str(tmp_path / path)}
    server = Server(tmp_path, settings)
    try:
        server.wait_for("degraded")
        told = server.http.get("/api/v5/vision/info").json()
        assert (told["status"], told["id"], told["architecture"]) == ("failed", None, None)
        assert told["reason"]
        answer = server.http.post(CHAT, json={"message": "what?", "images": [image()]})
        assert refusal(answer)[:2] == (503, "model_unavailable")
        assert str(tmp_path) not in answer.text
        assert server.chat("control").status_code == 200
    finally:
        server.stop()
