"""A GGUF model and its mmproj: which files go together, and what is refused before loading."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from app.weights.errors import WeightsError
from app.weights.mmproj_files import has_mmproj, pair
from app.weights.mmproj_header import MmprojHeader, check_mmproj
from app.weights.preflight import check
from tests.weights.gguf_builder import Item, build, flag, tensor, text, u32

PROJECTOR: dict[str, Item] = {
    "general.architecture": text("clip"),
    "general.type": text("mmproj"),
    "general.license": text("apache-2.0"),
    "clip.has_vision_encoder": flag(True),
    "clip.projector_type": text("mlp"),
    "clip.vision.image_size": u32(64),
    "clip.vision.patch_size": u32(8),
    "clip.vision.projection_dim": u32(8),
}
TENSORS = (tensor("mm.0.weight", 8),)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "tiny.gguf").write_bytes(build())
    (tmp_path / "mmproj-tiny.gguf").write_bytes(build(PROJECTOR, TENSORS))
    return tmp_path


def header(folder: Path, extra: Mapping[str, Item | None] | None = None) -> MmprojHeader:
    mmproj = folder / "mmproj-tiny.gguf"
    mmproj.write_bytes(build(PROJECTOR, TENSORS, extra=extra))
    return check_mmproj(mmproj, folder / "tiny.gguf", check(folder / "tiny.gguf"))


def test_file_and_folder_find_both_files(folder: Path) -> None:
    both = (folder / "tiny.gguf", folder / "mmproj-tiny.gguf")
    assert pair(folder) == pair(folder / "tiny.gguf") == both
    assert has_mmproj(folder)


def test_later_parts_of_split_weights_are_no_second_model(folder: Path) -> None:
    (folder / "tiny.gguf").rename(folder / "tiny-00001-of-00002.gguf")
    (folder / "tiny-00002-of-00002.gguf").touch()
    assert pair(folder)[0].name == "tiny-00001-of-00002.gguf"


def test_without_an_mmproj_there_is_nothing_to_see_with(folder: Path) -> None:
    (folder / "mmproj-tiny.gguf").unlink()
    assert not has_mmproj(folder)
    for path in (folder, folder / "tiny.gguf"):
        with pytest.raises(WeightsError) as refusal:
            pair(path)
        assert refusal.value.text == "weights_mmproj_missing"
        assert "tiny.gguf" in str(refusal.value)


def test_several_mmproj_files_are_named(folder: Path) -> None:
    (folder / "tiny-mmproj-f32.gguf").touch()
    with pytest.raises(WeightsError, match=r"mmproj-tiny\.gguf, tiny-mmproj-f32\.gguf"):
        pair(folder / "tiny.gguf")


def test_a_folder_of_several_models_is_ambiguous_a_file_is_not(folder: Path) -> None:
    (folder / "other.gguf").touch()
    with pytest.raises(WeightsError, match=r"other\.gguf, tiny\.gguf"):
        pair(folder)
    assert pair(folder / "tiny.gguf")[0].name == "tiny.gguf"


def test_a_projector_alone_is_no_model(folder: Path) -> None:
    (folder / "tiny.gguf").unlink()
    with pytest.raises(WeightsError) as refusal:
        pair(folder)
    assert refusal.value.text == "weights_vision_text_missing"
    with pytest.raises(WeightsError) as refusal:
        pair(folder / "mmproj-tiny.gguf")
    assert refusal.value.text == "weights_not_a_chat_model"


def test_facts_of_a_projector(folder: Path) -> None:
    found = header(folder)
    assert (found.projector, found.projected, found.license) == ("mlp", 8, "apache-2.0")
    assert (found.image_size, found.patch_size, found.tokens) == (64, 8, 64)


@pytest.mark.parametrize(
    ("extra", "tokens"),
    [
        ({"clip.projector_type": text("ldp")}, 16),
        ({"clip.projector_type": text("qwen2vl_merger")}, 0),
        ({"clip.vision.image_grid_pinpoints": u32(1)}, 0),
        ({"clip.projector_type": None, "clip.vision.projector_type": text("gemma3")}, 4),
        ({"clip.vision.patch_size": u32(0)}, 0),
    ],
)
def test_tokens_are_known_only_where_they_are_the_same_for_all_images(
    folder: Path, extra: Mapping[str, Item | None], tokens: int
) -> None:
    assert header(folder, extra).tokens == tokens


@pytest.mark.parametrize(
    ("extra", "word"),
    [
        ({"clip.vision.projection_dim": u32(16)}, "weights_mmproj_width"),
        ({"general.architecture": text("llama")}, "weights_not_mmproj"),
        ({"clip.has_vision_encoder": flag(False)}, "weights_mmproj_blind"),
        ({"clip.has_vision_encoder": None}, "weights_mmproj_blind"),
        ({"clip.vision.image_size": text("64")}, "weights_absurd_header"),
    ],
)
def test_a_projector_that_would_not_work_is_refused(
    folder: Path, extra: Mapping[str, Item | None], word: str
) -> None:
    with pytest.raises(WeightsError) as refusal:
        header(folder, extra)
    assert refusal.value.text == word


def test_a_cut_projector_is_refused(folder: Path) -> None:
    whole = build(PROJECTOR, TENSORS)
    mmproj = folder / "mmproj-tiny.gguf"
    for size, word in ((0, "weights_empty"), (60, "weights_truncated_header")):
        mmproj.write_bytes(whole[:size])
        with pytest.raises(WeightsError) as refusal:
            check_mmproj(mmproj, folder / "tiny.gguf", check(folder / "tiny.gguf"))
        assert refusal.value.text == word
    mmproj.write_bytes(whole[:-8])
    with pytest.raises(WeightsError) as refusal:
        check_mmproj(mmproj, folder / "tiny.gguf", check(folder / "tiny.gguf"))
    assert refusal.value.text == "weights_truncated"
