"""The catalogue, the sentences, and the sizes in words."""

import ast
import json
import re
import string
from pathlib import Path

import msgspec
import pytest

from app.weights import WeightsError, catalog, ensure
from app.weights.catalog import PypiSource, best_for_language
from app.weights.sizes import human_bytes
from tests.weights.onnx_builder import write_folder

WEIGHTS = Path(catalog.__file__).parent
MESSAGES = json.loads((WEIGHTS / "messages.json").read_text(encoding="utf-8"))


def test_names_files_and_hashes_are_unique_and_one_is_the_default() -> None:
    entries = catalog.entries()
    for field in ("name", "file", "sha256"):
        found = [value for entry in entries if (value := getattr(entry, field)) is not None]
        assert len(set(found)) == len(found)
    assert [entry.name for entry in entries if entry.default] == [catalog.default_entry().name]


def test_the_default_comes_from_the_index_alone() -> None:
    assert all(isinstance(source, PypiSource) for source in catalog.default_entry().sources)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", "../x"),
        ("name", "Big"),
        ("file", "../x.gguf"),
        ("sha256", "00"),
        ("size_bytes", 0),
        ("languages", ["english"]),
        ("sources", []),
        ("format", "safetensors"),
        ("colour", "red"),
    ],
)
def test_schema_names_the_field_of_a_bad_entry(field: str, value: object) -> None:
    good = json.loads((WEIGHTS / "catalog.json").read_text(encoding="utf-8"))[0]
    with pytest.raises(msgspec.ValidationError, match=field):
        catalog.decode(json.dumps([good | {field: value}]).encode())


def test_what_is_not_fetched_says_why_and_what_to_do(tmp_path: Path) -> None:
    for entry in catalog.entries():
        if entry.conversion is not None:
            source = catalog.find(entry.conversion.entry)
            assert source is not None
            assert (source.format, source.architecture) == ("gguf", entry.architecture)
            with pytest.raises(WeightsError, match=f"sllm convert {source.name} --precision int8"):
                ensure(entry.name, tmp_path)
        elif entry.repository is not None:
            with pytest.raises(WeightsError, match=f"sllm models pull {entry.name}"):
                ensure(entry.name, tmp_path)
        elif entry.sha256 is None:
            with pytest.raises(WeightsError, match="no checksum"):
                ensure(entry.name, tmp_path)
            assert entry.notes is not None


def test_a_converted_entry_is_found_where_convert_puts_it(tmp_path: Path) -> None:
    folder = tmp_path / "converted" / "qwen2.5-0.5b-instruct-int8"
    graph = write_folder(folder)
    spec = ensure("qwen2.5-0.5b-instruct-onnx", tmp_path)
    assert (spec.id, spec.path, spec.format) == ("qwen2.5-0.5b-instruct-onnx", str(graph), "onnx")
    assert "ko" in spec.languages


def test_best_for_language_is_small_and_chats() -> None:
    korean, english = best_for_language("ko"), best_for_language("en")
    assert korean is not None
    assert korean.name == "qwen2.5-coder-0.5b-instruct"
    assert english is not None
    assert english.default
    assert best_for_language("tlh") is None


def test_near_names() -> None:
    assert catalog.near_names("SmolLM2-135M")[0] == "smollm2-135m-instruct"
    assert len(catalog.near_names("zzz")) == len(catalog.entries())


def _fields(sentence: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(sentence) if name}


@pytest.mark.parametrize("key", MESSAGES)
def test_sentence_exists_in_both_languages_with_the_same_values(key: str) -> None:
    assert MESSAGES[key].keys() == {"en", "ko"}
    assert _fields(MESSAGES[key]["en"]) == _fields(MESSAGES[key]["ko"])
    assert re.search("[가-힣]", MESSAGES[key]["ko"])


def _keys_in_code() -> set[str]:
    root = WEIGHTS.parent
    return {
        node.value
        for path in root.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
        # Those of models that see are also said by their engine, under names of its own.
        if node.value.startswith("weights_") or node.value in MESSAGES
    }


def test_every_sentence_is_used_and_every_used_one_exists() -> None:
    assert _keys_in_code() == set(MESSAGES)


def test_error_is_its_english_sentence() -> None:
    assert str(WeightsError("weights_empty", file="a.gguf")).startswith("a.gguf is empty")


@pytest.mark.parametrize(
    ("count", "words"),
    [
        (0, "0 bytes"),
        (999, "999 bytes"),
        (98_362_432, "98.4 MB"),
        (999_960, "1.0 MB"),
        (6_300_000_000, "6.3 GB"),
        (2 * 10**12, "2.0 TB"),
    ],
)
def test_sizes_in_words(count: int, words: str) -> None:
    assert human_bytes(count) == words
