"""Files that are not weights at all, and weights in several parts."""

import io
import os
import struct
import zipfile
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from app.weights import ModelSpec, WeightsError, ensure, locate
from app.weights.preflight import check
from tests.weights.gguf_builder import build, tensor, u32


def _zip() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("data.pkl", b"x")
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"", "weights_empty"),
        (b"\n <!DOCTYPE html><html>", "weights_html"),
        (b"version https://git-lfs.github.com/spec/v1\noid", "weights_lfs_pointer"),
        (b"\x08\x08\x12\x07pytorch\x1a\x05", "weights_onnx_name"),
        (struct.pack("<Q", 90) + b'{"a":{}}', "weights_other_format"),
        (_zip(), "weights_other_format"),
        (b"\x80\x02}q\x00.", "weights_other_format"),
        (b"tjgg" + bytes(60), "weights_other_format"),
        (b"GG", "weights_truncated_header"),
        (b"nothing that is known", "weights_not_gguf"),
    ],
)
def test_other_contents_are_named(tmp_path: Path, content: bytes, text: str) -> None:
    path = tmp_path / "model.gguf"
    path.write_bytes(content)
    with pytest.raises(WeightsError) as caught:
        check(path)
    assert caught.value.text == text
    assert str(tmp_path) not in str(caught.value)


def test_places_that_are_not_files(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo.gguf")
    (tmp_path / "loop.gguf").symlink_to("loop.gguf")
    (tmp_path / "folder.gguf").mkdir()
    (tmp_path / "file.gguf").write_bytes(build())
    found = {}
    for name in ("fifo.gguf", "loop.gguf", "folder.gguf", "none.gguf", "file.gguf/x.gguf", "\0"):
        with pytest.raises(WeightsError) as caught:
            check(tmp_path / name)
        found[name] = caught.value.text
    assert found == {
        "fifo.gguf": "weights_not_regular",
        "loop.gguf": "weights_symlink_loop",
        "folder.gguf": "weights_directory",
        "none.gguf": "weights_missing",
        "file.gguf/x.gguf": "weights_missing",
        "\0": "weights_unreadable",
    }


@pytest.fixture
def ordinary_user() -> Iterator[Path]:
    """A folder of a user without root's rights, and those rights given up for the test."""
    user = os.geteuid()
    with TemporaryDirectory() as folder:
        nobody = 65534 if user == 0 else user
        os.chown(folder, nobody, -1)
        os.seteuid(nobody)
        try:
            yield Path(folder)
        finally:
            os.seteuid(user)


def test_unreadable_file(ordinary_user: Path) -> None:
    path = ordinary_user / "tiny.gguf"
    path.write_bytes(build())
    path.chmod(0)
    with pytest.raises(WeightsError) as caught:
        check(path)
    assert caught.value.text == "weights_unreadable"
    assert caught.value.values["reason"] == "Permission denied"


def test_link_to_a_file_is_followed(tmp_path: Path) -> None:
    (tmp_path / "blob").write_bytes(build())
    (tmp_path / "tiny.gguf").symlink_to("blob")
    assert check(tmp_path / "tiny.gguf").architecture == "llama"


def _split(folder: Path) -> list[Path]:
    paths = [folder / f"big-0000{number}-of-00003.gguf" for number in (1, 2, 3)]
    for number, path in enumerate(paths):
        extra = {"split.count": u32(3), "split.no": u32(number)}
        path.write_bytes(build(extra=extra, tensors=[tensor(f"t{number}", number + 1)]))
    return paths


def test_parts_are_taken_together(tmp_path: Path) -> None:
    paths = _split(tmp_path)
    header = check(paths[0])
    assert (header.tensor_count, header.parameters) == (3, 8 * (1 + 2 + 3))
    assert header.file_bytes == sum(path.stat().st_size for path in paths)


def test_missing_later_and_cut_parts_are_named(tmp_path: Path) -> None:
    paths = _split(tmp_path)
    with pytest.raises(WeightsError, match="big-00001-of-00003"):
        check(paths[1])
    paths[2].write_bytes(paths[2].read_bytes()[:-5])
    with pytest.raises(WeightsError) as caught:
        check(paths[0])
    assert caught.value.values["file"] == paths[2].name
    assert caught.value.values["missing"] == 5
    paths[1].unlink()
    with pytest.raises(WeightsError, match="big-00002-of-00003") as caught:
        check(paths[0])
    assert caught.value.text == "weights_split_missing"


@pytest.mark.parametrize("name", ["big-00001-of-99999.gguf", "big-00000-of-00000.gguf"])
def test_absurd_numbers_of_parts(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(build())
    with pytest.raises(WeightsError) as caught:
        check(tmp_path / name)
    assert caught.value.text == "weights_absurd_header"


def test_path_is_taken_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "My Model (1).Q4_K_M.gguf"
    path.write_bytes(build())
    spec = ModelSpec(id="my-model-1-.q4_k_m", path=str(path))
    assert ensure(str(path), tmp_path / "data") == spec
    assert locate(f" {path} ", tmp_path / "data") == spec
    assert not (tmp_path / "data").exists()


def test_paths_that_cannot_be_served(tmp_path: Path) -> None:
    ggufs, empty = tmp_path / "ggufs", tmp_path / "empty"
    for folder in (ggufs, empty):
        folder.mkdir()
    (ggufs / "a.gguf").write_bytes(b"")
    found = {}
    for path in (ggufs, empty, tmp_path / "smollm2-instruct"):
        with pytest.raises(WeightsError) as caught:
            ensure(str(path), tmp_path)
        assert str(tmp_path) not in str(caught.value)
        found[path.name] = caught.value
    assert {name: error.text for name, error in found.items()} == {
        "ggufs": "weights_gguf_in_directory",
        "empty": "weights_directory",
        "smollm2-instruct": "weights_unknown_name",
    }
    assert "smollm2-135m-instruct" in str(found["smollm2-instruct"])


@pytest.mark.parametrize("name", ["a\0b", "x" * 5000, "../../etc/nothing", "~nobody-here/x.gguf"])
def test_strange_names_are_unknown(tmp_path: Path, name: str) -> None:
    with pytest.raises(WeightsError) as caught:
        ensure(name, tmp_path)
    assert caught.value.text == "weights_unknown_name"


def test_folder_with_the_name_of_an_entry_does_not_hide_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "smollm2-135m-instruct").mkdir()
    assert locate("smollm2-135m-instruct", tmp_path) is None
