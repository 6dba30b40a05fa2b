"""VISION_MAX_GRIDS through HTTP: what an image takes follows it, in answers and in what is told.

The demo in HyperCLOVA X's layout, told to cut images into grids; what it answers is no matter.
"""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from app.weights.shapes_demo import folder
from tests.support import ROOT, running
from tests.v5.support import ask, image, seeing

# Rows of features of one grid: 8 by 8 patches.
GRID = 64


def cutting(into: Path) -> Path:
    """The demo's files with a configuration that allows one grid or two."""
    shutil.copytree(folder("hyperclovax"), into)
    changes = {"anyres": True, "unpad": False, "max_num_grids": 2, "use_1x1_grid": True}
    for name in ("config.json", "preprocessor_config.json"):
        found = json.loads((into / name).read_text())
        found.pop("possible_resolutions", None)
        (into / name).write_text(json.dumps(found | changes))
    return into


@pytest.mark.parametrize(("most", "grids"), [("", 3), ("2", 3), ("1", 2)])
def test_images_take_what_the_setting_allows(tmp_path: Path, most: str, grids: int) -> None:
    model = str(cutting(tmp_path / "model"))
    settings = {"SLLM_MODEL_PATH": "scripted", "VISION_MODEL_PATH": model}
    with running(tmp_path, settings | {"VISION_MAX_GRIDS": most}) as server:
        seeing(server)
        told = server.http.get("/api/v5/vision/info").json()["image"]["tokens_per_image"]
        assert told["max"] == grids * GRID
        asked = ask(server.http, "what color is the shape?", image(128, 64), max_tokens=1)
        assert asked["images"][0]["tokens"] == grids * GRID
        assert asked["usage"]["prompt_tokens"] > grids * GRID


@pytest.mark.parametrize("value", ["0", "-1", "101", "1.5", "many"])
def test_other_values_stop_the_start_and_say_what_is_allowed(tmp_path: Path, value: str) -> None:
    program = "import app.config; app.config.load_settings()"
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env={"PATH": "/usr/bin", "DATA_DIR": str(tmp_path), "VISION_MAX_GRIDS": value},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    last = done.stderr.strip().splitlines()[-1]
    assert "VISION_MAX_GRIDS: " in last
    assert last.endswith("allowed: a whole number from 1 to 100.")
