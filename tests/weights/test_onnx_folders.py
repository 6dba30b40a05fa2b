"""Every file of a folder of ONNX weights, broken in every way: each is refused by name or passed
over, and none of them blocks.
"""

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from app.weights import WeightsError, ensure
from app.weights.onnx_preflight import check
from tests.weights.onnx_builder import CONFIG, write_companions, write_folder

FILES = (
    *("model.onnx", "config.json", "tokenizer.json", "tokenizer_config.json"),
    *("generation_config.json", "genai_config.json", "special_tokens_map.json", "sllm.json"),
    "chat_template.jinja",
)
# Without these there is nothing to be served; without tokenizer.json's content nothing either.
TEXTS = frozenset({"chat_template.jinja"})
LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n"


def whole(folder: Path) -> Path:
    """A folder in which each of FILES is."""
    write_folder(folder)
    genai = {"model": {"decoder": {"filename": "model.onnx"}}}
    (folder / "genai_config.json").write_text(json.dumps(genai))
    (folder / "generation_config.json").write_text('{"eos_token_id": 2}')
    (folder / "special_tokens_map.json").write_text('{"eos_token": "<|end|>"}')
    (folder / "sllm.json").write_text('{"precision": "int8"}')
    (folder / "chat_template.jinja").write_text("{{ messages[0].content }}")
    return folder


def looked_at(folder: Path) -> WeightsError | None:
    """What a start says of the folder; None: it would be loaded. Names no path."""
    refusal = _refusal(folder)
    assert str(folder.parent) not in str(refusal)
    return refusal


def _refusal(folder: Path) -> WeightsError | None:
    try:
        check(Path(ensure(str(folder), folder.parent / "data").path))
    except WeightsError as error:
        return error
    return None


def replaced(make: Callable[[Path], object]) -> Callable[[Path], None]:
    def change(path: Path) -> None:
        path.unlink()
        make(path)

    return change


def unreadable(path: Path) -> None:
    path.chmod(0)
    if os.access(path, os.R_OK):
        pytest.skip("root reads everything")


def sparse(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(20 << 30)


IRREGULAR: dict[str, tuple[Callable[[Path], None], frozenset[str]]] = {
    "FIFO": (replaced(os.mkfifo), frozenset({"weights_not_regular"})),
    "loop": (
        replaced(lambda path: path.symlink_to(path)),
        frozenset({"weights_symlink_loop"}),
    ),
    "nowhere": (
        replaced(lambda path: path.symlink_to(path.parent / "nowhere")),
        frozenset({"weights_missing", "weights_onnx_no_graph"}),
    ),
    "endless": (
        replaced(lambda path: path.symlink_to("/dev/zero")),
        frozenset({"weights_not_regular"}),
    ),
    "folder": (replaced(Path.mkdir), frozenset({"weights_directory"})),
    "20 GB": (sparse, frozenset({"weights_companion_damaged", "weights_onnx_two_gigabytes"})),
    "unreadable": (unreadable, frozenset({"weights_unreadable"})),
}


@pytest.mark.parametrize("kind", IRREGULAR)
@pytest.mark.parametrize("name", FILES)
def test_what_is_no_regular_file_is_named(tmp_path: Path, name: str, kind: str) -> None:
    change, texts = IRREGULAR[kind]
    folder = whole(tmp_path / "tiny")
    change(folder / name)
    error = looked_at(folder)
    assert error is not None
    assert error.text in texts
    assert error.values["file"] in (name, "tiny")


CONTENTS = {
    "empty": b"",
    "html": b"<!doctype html><html><body>Not found</body></html>",
    "pointer": LFS,
    "zeros": bytes(100),
    "utf-16": "{}".encode("utf-16"),
    "deep": b'{"a":' * 100_000,
    "list": b"[]",
    "no number": b'{"eos_token_id": NaN}',
}


@pytest.mark.parametrize("kind", CONTENTS)
@pytest.mark.parametrize("name", sorted(set(FILES) - TEXTS))
def test_other_contents_are_named(tmp_path: Path, name: str, kind: str) -> None:
    folder = whole(tmp_path / "tiny")
    (folder / name).write_bytes(CONTENTS[kind])
    error = looked_at(folder)
    assert error is not None
    assert error.values["file"] == name


@pytest.mark.parametrize("share", [0.001, 0.01, 0.1, 0.5, 0.9, 0.999])
@pytest.mark.parametrize("name", sorted(set(FILES) - TEXTS))
def test_a_cut_file_is_named(tmp_path: Path, name: str, share: float) -> None:
    folder = whole(tmp_path / "tiny")
    content = (folder / name).read_bytes()
    (folder / name).write_bytes(content[: int(len(content) * share)])
    error = looked_at(folder)
    assert error is not None
    assert error.values["file"] == name


NUMBERS = (
    *("NaN", "Infinity", "1e999", str(2**63), "-1", "0", "1.5", '"x"', "[]", "{}", "null", "true"),
    *("1" + "0" * 400, "[1e400]", str(-(2**63)), str(2**31 - 1), "-0", "1e3"),
)
FIELDS = (
    *("num_hidden_layers", "hidden_size", "num_attention_heads", "num_key_value_heads"),
    *("vocab_size", "max_position_embeddings", "eos_token_id", "head_dim", "model_type"),
)


@pytest.mark.parametrize("field", FIELDS)
def test_absurd_numbers_are_refused_or_passed_over(tmp_path: Path, field: str) -> None:
    """The graph's own shapes come first, and no number of a file is trusted to be small."""
    folder = whole(tmp_path / "tiny")
    rest = json.dumps({name: value for name, value in CONFIG.items() if name != field})[:-1]
    refused = 0
    for number in NUMBERS:
        (folder / "config.json").write_text(f'{rest}, "{field}": {number}}}')
        error = looked_at(folder)
        if error is not None:
            refused += 1
            assert error.values["file"] == "config.json"
            continue
        header = check(folder / "model.onnx")
        assert header.kv_bytes_per_token == 128
        assert 0 <= header.context_length <= 1 << 24
        assert all(0 <= token < 1 << 31 for token in header.end_tokens)
    assert refused > 0


def test_end_tokens_beyond_all_vocabularies_are_no_end(tmp_path: Path) -> None:
    path = write_folder(tmp_path / "tiny")
    config = CONFIG | {"eos_token_id": [2**31, 2**63, 10**400, -1]}
    write_companions(path.parent, config=config, tokenizer_config={})
    error = looked_at(path.parent)
    assert error is not None
    assert error.text == "weights_onnx_no_end"
