"""Where VISION_MODEL_PATH leads: paths, names that were pulled, and the catalogue's."""

from pathlib import Path

import pytest

from app.weights import catalog, pulled, shapes_demo
from app.weights.ensure import converted_folder
from app.weights.errors import WeightsError
from app.weights.mmproj_files import pair
from app.weights.pulled import PulledModel
from app.weights.repository import RemoteFile
from app.weights.seeing import locate_seeing
from app.weights.selection import Kind

NAMES = ("tiny.gguf", "mmproj-tiny.gguf")


def pull(data_dir: Path, kind: Kind = "gguf") -> PulledModel:
    """What `sllm models pull --vision` leaves behind."""
    files = tuple(RemoteFile(name, 1, "0" * 64) for name in NAMES)
    made = PulledModel("maker/tiny", kind, NAMES[0], "main", "0" * 40, None, files)
    made.folder(data_dir).mkdir(parents=True)
    for name in NAMES:
        (made.folder(data_dir) / name).write_bytes(b"x")
    pulled.keep(made, data_dir)
    return made


@pytest.mark.parametrize("name", ["hf:maker/tiny", "hf:maker/tiny:tiny.gguf"])
def test_a_pulled_name_leads_to_both_files(tmp_path: Path, name: str) -> None:
    folder = pull(tmp_path).folder(tmp_path)
    assert pair(locate_seeing(name, tmp_path)) == tuple(folder / each for each in NAMES)


def test_what_was_not_pulled_says_how(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="sllm models pull hf:maker/other"):
        locate_seeing("hf:maker/other", tmp_path)


def test_safetensors_say_how_to_convert_them(tmp_path: Path) -> None:
    pull(tmp_path, "safetensors")
    with pytest.raises(WeightsError, match="sllm convert"):
        locate_seeing("hf:maker/tiny", tmp_path)


def test_an_entry_that_was_converted_is_found_by_its_name(tmp_path: Path) -> None:
    name = "hyperclovax-seed-vision-3b"
    with pytest.raises(WeightsError, match=f"sllm models pull {name}"):
        locate_seeing(name, tmp_path)
    entry = catalog.find(name)
    folder = converted_folder(entry, tmp_path) if entry else None
    assert folder is not None
    folder.mkdir(parents=True)
    assert locate_seeing(name, tmp_path) == folder


def test_what_was_converted_is_found_by_its_folders_name(tmp_path: Path) -> None:
    folder = tmp_path / "converted" / "mine-int8"
    folder.mkdir(parents=True)
    assert locate_seeing("mine-int8", tmp_path) == folder


def test_an_entry_that_was_not_fetched_says_how(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="sllm models pull gemma-3-4b-it"):
        locate_seeing("gemma-3-4b-it", tmp_path)


def test_a_path_and_the_demo(tmp_path: Path) -> None:
    assert locate_seeing(str(tmp_path), tmp_path) == tmp_path
    assert locate_seeing(shapes_demo.NAME, tmp_path) == shapes_demo.folder()
    with pytest.raises(WeightsError, match="leads nowhere"):
        locate_seeing(str(tmp_path / "nothing"), tmp_path)
