"""The header reader: facts of a valid file, refusal of every other one, within bounds."""

import resource
import struct
import subprocess
import sys
from pathlib import Path
from random import Random

import pytest

from app.weights.errors import WeightsError
from app.weights.gguf_header import GgufHeader
from app.weights.preflight import check
from tests.weights.gguf_builder import (
    METADATA,
    TENSORS,
    Item,
    Tensor,
    build,
    flag,
    i32s,
    tensor,
    text,
    texts,
    u32,
)

MUTANTS = 400
ROOT = Path(__file__).parents[2]
# Prints how many files were refused; any other error ends it with a traceback.
CHILD = """
import resource, sys
from pathlib import Path
from app.weights.errors import WeightsError
from app.weights.preflight import check
used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
refused = 0
for path in sorted(Path(sys.argv[1]).iterdir()):
    try:
        check(path)
    except WeightsError:
        refused += 1
print(refused, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - used)
"""


def _check(path: Path, content: bytes) -> GgufHeader:
    path.write_bytes(content)
    return check(path)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "tiny.gguf"


def test_the_chat_template_and_what_it_names(path: Path) -> None:
    template = "{{ bos_token }}" + "x" * 10_000
    special = {"tokenizer.ggml.bos_token_id": u32(1), "tokenizer.ggml.eos_token_id": u32(9_999)}
    header = _check(path, build(extra={"tokenizer.chat_template": text(template), **special}))
    assert header.chat_template == template
    assert list(header.special_tokens) == ["bos_token"]


def test_the_template_for_tools_comes_first(path: Path) -> None:
    header = _check(path, build(extra={"tokenizer.chat_template.tool_use": text("tools")}))
    assert header.chat_template == "tools"


def test_an_absurd_template_is_left_alone(path: Path) -> None:
    header = _check(path, build(extra={"tokenizer.chat_template": text("x" * 200_000)}))
    assert (header.has_chat_template, header.chat_template) == (True, "")


@pytest.mark.parametrize("version", [2, 3])
def test_facts_of_a_valid_file(path: Path, version: int) -> None:
    content = build(version=version)
    header = _check(path, content)
    assert (header.version, header.architecture, header.name) == (version, "llama", "Tiny")
    assert (header.languages, header.license) == (("en", "ko"), "mit")
    assert (header.quantization, header.context_length) == ("F32", 64)
    assert (header.block_count, header.embedding_length, header.head_count) == (2, 8, 4)
    assert (header.head_count_kv, header.key_length, header.value_length) == ((2, 2), 2, 2)
    assert (header.vocabulary_size, header.has_chat_template) == (5, True)
    assert (header.tensor_count, header.parameters, header.tensor_bytes) == (2, 80, 320)
    assert header.control_tokens == ("<unk>", "<s>", "<|end|>")
    assert header.kv_bytes_per_token == 2 * (2 + 2) * (2 + 2)
    assert header.file_bytes == len(content)


def test_heads_may_differ_by_layer_and_a_file_type_may_be_missing(path: Path) -> None:
    extra = {
        "llama.attention.head_count_kv": i32s([0, 2]),
        "general.file_type": None,
        "general.license": None,
        "tokenizer.chat_template": None,
        "tokenizer.ggml.token_type": None,
    }
    header = _check(path, build(extra=extra))
    assert header.head_count_kv == (0, 2)
    assert (header.quantization, header.license) == ("F32", None)
    assert (header.has_chat_template, header.control_tokens) == (False, ())


def test_long_strings_and_arrays_are_passed_over(path: Path) -> None:
    spellings = [f"token {number}" * 9 for number in range(40_000)]
    types = [1] * len(spellings)
    types[-1] = 3
    extra = {
        "tokenizer.ggml.tokens": texts(spellings),
        "tokenizer.ggml.token_type": i32s(types),
        "tokenizer.chat_template": text("x" * 1_000_000),
    }
    header = _check(path, build(extra=extra))
    assert header.vocabulary_size == len(spellings)
    assert header.control_tokens == (spellings[-1],)


@pytest.mark.parametrize("missing", [1, 31, 319])
def test_truncation_is_told_to_the_byte(path: Path, missing: int) -> None:
    content = build()
    with pytest.raises(WeightsError) as caught:
        _check(path, content[:-missing])
    assert caught.value.text == "weights_truncated"
    assert caught.value.values == {
        "file": "tiny.gguf",
        "missing": missing,
        "needed": len(content),
    }


def test_every_truncation_of_the_header_is_refused(path: Path) -> None:
    header = len(build(tensors=()))
    content = build()
    for length in range(1, header):
        with pytest.raises(WeightsError):
            _check(path, content[:length])


def _long_array(count: int, kind: int = 8) -> Item:
    return Item(9, struct.pack("<IQ", kind, count))


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (build(version=1), "weights_gguf_version"),
        (build(version=99), "weights_gguf_version"),
        (build(version=3 << 24), "weights_big_endian"),
        (build(counts=(1 << 63, len(METADATA))), "weights_absurd_header"),
        (build(counts=(2, 1 << 63)), "weights_absurd_header"),
        (build(extra={"general.alignment": u32(1 << 31)}), "weights_absurd_header"),
        (build(extra={"general.alignment": u32(0)}), "weights_absurd_header"),
        (build(extra={"general.alignment": u32(48)}), "weights_absurd_header"),
        (build(extra={"general.alignment": text("32")}), "weights_absurd_header"),
        (build(extra={"general.architecture": u32(1)}), "weights_absurd_header"),
        (build(extra={"llama.block_count": u32(1 << 31)}), "weights_absurd_header"),
        (build(extra={"llama.context_length": text("64")}), "weights_absurd_header"),
        (build(extra={"x": Item(13, b"")}), "weights_absurd_header"),
        (build(extra={"x": Item(8, struct.pack("<Q", 1 << 63))}), "weights_absurd_header"),
        (build(extra={"x": _long_array(1 << 63)}), "weights_absurd_header"),
        (build(extra={"x": _long_array(1 << 63, 0)}), "weights_absurd_header"),
        (build(extra={"x": _long_array(1, 9)}), "weights_absurd_header"),
        (build(extra={"x" * 300: u32(1)}), "weights_absurd_header"),
        (build(tensors=[Tensor("a", (0, 8), 0, 0, 0)]), "weights_absurd_header"),
        (build(tensors=[Tensor("a", (1 << 63, 8), 0, 0, 0)]), "weights_absurd_header"),
        (build(tensors=[Tensor("a", (8,) * 5, 0, 0, 0)]), "weights_absurd_header"),
        (build(tensors=[Tensor("a", (8,), 99, 0, 32)]), "weights_absurd_header"),
        (build(tensors=[Tensor("a", (8,), 2, 0, 32)]), "weights_absurd_header"),
        (build(tensors=[Tensor("a" * 65, (8,), 0, 0, 32)]), "weights_absurd_header"),
        (build(tensors=[tensor("a", 1, 7)]), "weights_absurd_header"),
        (build(tensors=[tensor("a", 1), tensor("a", 1, 32)]), "weights_absurd_header"),
        (build(tensors=[Tensor("a", (8,), 0, 1 << 40, 0)]), "weights_truncated"),
        (build()[:600], "weights_truncated_header"),
        (build(tensors=()), "weights_vocabulary_only"),
        (build(extra={"general.architecture": text("nomic-bert")}), "weights_not_a_chat_model"),
        (build(extra={"general.architecture": text("clip")}), "weights_not_a_chat_model"),
        (build(extra={"general.type": text("mmproj")}), "weights_not_a_chat_model"),
        (build(extra={"llama.pooling_type": u32(4)}), "weights_not_a_chat_model"),
        (build(extra={"llama.attention.causal": flag(False)}), "weights_not_a_chat_model"),
        (build(extra={"tokenizer.ggml.tokens": None}), "weights_not_a_chat_model"),
    ],
)
def test_what_cannot_be_is_refused(path: Path, content: bytes, text: str) -> None:
    with pytest.raises(WeightsError) as caught:
        _check(path, content)
    assert caught.value.text == text


def test_control_characters_of_a_file_stay_out_of_the_message(path: Path) -> None:
    with pytest.raises(WeightsError) as caught:
        _check(path, build(extra={"a\r\n\x1b[31m": Item(13, b"")}))
    assert str(caught.value).isprintable()


def _mutant(random: Random, content: bytes) -> bytes:
    """Some bytes changed, or eight bytes by an extreme number, or cut, in the header mostly."""
    mutant = bytearray(content)
    end = len(content) - sum(each.bytes for each in TENSORS)
    for _ in range(random.choice([1, 1, 2, 8])):
        at = random.randrange(end)
        if random.random() < 0.5:
            mutant[at] = random.randrange(256)
        else:
            extreme = random.choice([0, 1 << 31, 1 << 40, (1 << 63) - 1, 1 << 63, (1 << 64) - 1])
            mutant[at : at + 8] = struct.pack("<Q", extreme)
    return bytes(mutant[: random.randrange(len(mutant)) if random.random() < 0.1 else None])


def test_mutants_are_refused_or_read_in_little_memory(tmp_path: Path) -> None:
    random, content = Random(20260101), build()
    for number in range(MUTANTS):
        (tmp_path / f"{number}.gguf").write_bytes(_mutant(random, content))
    child = subprocess.run(
        [sys.executable, "-c", CHILD, str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30)),
    )
    assert child.stderr == ""
    refused, kilobytes = map(int, child.stdout.split())
    # Some mutations only touch names or texts, so not all are refused.
    assert MUTANTS // 3 < refused < MUTANTS
    assert kilobytes < 200_000
