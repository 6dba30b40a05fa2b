"""A conversation about an image goes on after a restart, and never with rows that were made in
another way."""

import shutil
from pathlib import Path

from app.weights.shapes_demo import folder
from tests.support import running
from tests.v5.support import ask, image, seeing
from tests.v5.test_max_grids import GRID, cutting

SCRIPTED = {"SLLM_MODEL_PATH": "scripted", "CONTEXT_LENGTH": "512"}


def test_the_image_is_not_computed_again_after_a_restart(tmp_path: Path) -> None:
    model = tmp_path / "model"
    shutil.copytree(folder("onnx"), model)
    with running(tmp_path, SCRIPTED | {"VISION_MODEL_PATH": str(model)}) as server:
        seeing(server)
        first = ask(server.http, "what color is the shape?", image(64, 64), max_tokens=4)
    with running(tmp_path, SCRIPTED | {"VISION_MODEL_PATH": str(model)}) as server:
        seeing(server)
        talk = first["conversation_id"]
        more = ask(server.http, "what shape is it?", conversation_id=talk, max_tokens=4)
    assert more["usage"]["cached_tokens"] > GRID


def test_another_number_of_grids_is_another_image(tmp_path: Path) -> None:
    settings = SCRIPTED | {"VISION_MODEL_PATH": str(cutting(tmp_path / "model"))}
    with running(tmp_path, settings | {"VISION_MAX_GRIDS": "2"}) as server:
        seeing(server)
        first = ask(server.http, "what color is the shape?", image(128, 64), max_tokens=4)
    with running(tmp_path, settings | {"VISION_MAX_GRIDS": "1"}) as server:
        seeing(server)
        talk = first["conversation_id"]
        more = ask(server.http, "what shape is it?", conversation_id=talk, max_tokens=4)
    assert more["usage"]["cached_tokens"] == 0
