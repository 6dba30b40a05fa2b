"""What the files of ONNX weights say, and refusal of graphs that cannot be served."""

import json
from pathlib import Path
from typing import Any

import pytest

from app.weights.errors import WeightsError
from app.weights.onnx_preflight import check
from tests.weights.gguf_builder import build as build_gguf
from tests.weights.onnx_builder import (
    CONFIG,
    FLOAT,
    FLOAT16,
    INPUTS,
    INT64,
    OUTPUTS,
    UINT8,
    attribute,
    build,
    message,
    node,
    number,
    tensor,
    write_companions,
    write_folder,
)


def refused(path: Path) -> WeightsError:
    with pytest.raises(WeightsError) as caught:
        check(path)
    assert str(path.parent) not in str(caught.value)
    return caught.value


def test_facts_of_a_plain_export(tmp_path: Path) -> None:
    path = write_folder(tmp_path / "tiny")
    header = check(path)
    assert (header.architecture, header.quantization, header.parameters) == ("llama", "fp32", 80)
    assert (header.context_length, header.vocabulary_size) == (64, 10)
    assert (header.block_count, header.head_count_kv, header.key_length) == (2, 2, 4)
    assert header.kv_bytes_per_token == 2 * 2 * 2 * 4 * 4
    assert header.weight_bytes == path.stat().st_size
    assert header.end_tokens == (2,)
    assert header.control_tokens == ("<|end|>",)
    assert header.special_tokens == {"bos_token": "<|start|>", "eos_token": "<|end|>"}
    assert header.chat_template == "{{ messages }}"


def test_genai_configuration_alone_is_enough(tmp_path: Path) -> None:
    path = write_folder(tmp_path)
    genai: dict[str, Any] = {"type": "qwen2", "context_length": 128, "eos_token_id": [5, 2]}
    genai["decoder"] = {"filename": "model.onnx", "head_size": 4, "num_key_value_heads": 2}
    write_companions(tmp_path, config=None)
    (tmp_path / "config.json").unlink()
    (tmp_path / "genai_config.json").write_text(json.dumps({"model": genai}))
    header = check(path)
    assert (header.architecture, header.context_length) == ("qwen2", 128)
    assert header.end_tokens == (5, 2)


def test_end_tokens_are_those_of_every_file(tmp_path: Path) -> None:
    path = write_folder(tmp_path)
    write_companions(tmp_path, config=CONFIG | {"eos_token_id": [7, 2]})
    (tmp_path / "generation_config.json").write_text('{"eos_token_id": [8, 7]}')
    assert check(path).end_tokens == (7, 2, 8)


def test_companions_may_lie_one_folder_up(tmp_path: Path) -> None:
    header = check(write_folder(tmp_path / "tiny", "onnx/model.onnx"))
    assert header.tokenizer == tmp_path / "tiny" / "tokenizer.json"


def test_template_s_own_file_comes_first(tmp_path: Path) -> None:
    path = write_folder(tmp_path)
    (tmp_path / "chat_template.jinja").write_text("{{ own }}")
    assert check(path).chat_template == "{{ own }}"
    named = [{"name": "tool", "template": "t"}, {"name": "default", "template": "d"}]
    (tmp_path / "chat_template.jinja").unlink()
    write_companions(tmp_path, tokenizer_config={"chat_template": named})
    assert check(path).chat_template == "d"


def test_shapes_come_from_the_configuration_where_the_graph_leaves_them_open(
    tmp_path: Path,
) -> None:
    inputs = {
        name: (FLOAT16, ("b", "h", "past", "d")) if name.startswith("past") else facts
        for name, facts in INPUTS.items()
    }
    header = check(write_folder(tmp_path, content=build(inputs)))
    assert (header.head_count_kv, header.key_length, header.cache_bits) == (2, 4, 16)


def test_packed_weights_are_counted_without_their_scales(tmp_path: Path) -> None:
    matrix = node("MatMulNBits", ["x", "w", "s"], attribute("bits", 4), domain="com.microsoft")
    packed = tensor("w", (64, 2, 16), UINT8), tensor("s", (64, 2))
    header = check(write_folder(tmp_path, content=build(nodes=[matrix], tensors=packed)))
    assert (header.quantization, header.parameters) == ("int4", 64 * 64)


def _with(inputs: dict[str, Any] | None = None, outputs: Any = None, **options: Any) -> bytes:
    return build(inputs or INPUTS, outputs or OUTPUTS, **options)


FLOATS = (FLOAT, ("batch", 3, 8, 8))
NO_CACHE = {name: facts for name, facts in INPUTS.items() if "past" not in name}
EMBEDS = {"inputs_embeds": FLOATS} | {k: v for k, v in INPUTS.items() if k != "input_ids"}


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"", "weights_empty"),
        (b"<!doctype html>", "weights_html"),
        (b"version https://git-lfs.github.com/spec/v1\n", "weights_lfs_pointer"),
        (build_gguf(), "weights_other_format"),
        (bytes(4) + b"ORTM" + bytes(30), "weights_other_format"),
        (b"nothing that is known", "weights_not_onnx"),
        (build()[:200], "weights_truncated"),
        (build()[:-1], "weights_truncated"),
        (_with(opsets={"": 99}), "weights_onnx_version"),
        (_with(opsets={"": 6}), "weights_onnx_version"),
        (_with(opsets={}), "weights_onnx_version"),
        (_with(ir_version=99), "weights_onnx_version"),
        (_with(opsets={"": 21, "my.operators": 1}), "weights_onnx_operators"),
        (_with(nodes=[node("Attend", [], domain="trt.plugins")]), "weights_onnx_operators"),
        (_with(outputs={"last_hidden_state": FLOATS}), "weights_onnx_no_logits"),
        (_with(outputs={"sentence_embedding": FLOATS}), "weights_onnx_no_logits"),
        (_with(INPUTS | {"pixel_values": FLOATS}), "weights_onnx_vision"),
        (_with(INPUTS | {"encoder_hidden_states": FLOATS}), "weights_onnx_encoder_decoder"),
        (_with(EMBEDS), "weights_onnx_part"),
        (_with(NO_CACHE), "weights_onnx_no_cache"),
        (_with(INPUTS | {"use_cache_branch": (9, (1,))}), "weights_onnx_merged"),
        (number(1, 10) + message(2, "no graph"), "weights_not_onnx"),
    ],
)
def test_other_files_are_named(tmp_path: Path, content: bytes, text: str) -> None:
    assert refused(write_folder(tmp_path, content=content)).text == text


def test_a_file_over_two_gigabytes_is_refused_unread(tmp_path: Path) -> None:
    path = write_folder(tmp_path)
    with path.open("r+b") as file:
        file.truncate(1 << 31)
    assert refused(path).text == "weights_onnx_two_gigabytes"


@pytest.mark.parametrize(
    ("missing", "text"),
    [("tokenizer", "weights_onnx_no_tokenizer"), ("config", "weights_onnx_no_config")],
)
def test_a_missing_companion_is_named(tmp_path: Path, missing: str, text: str) -> None:
    path = write_folder(tmp_path / "tiny")
    (tmp_path / "tiny" / f"{missing}.json").unlink()
    error = refused(path)
    assert error.text == text
    assert f"{missing}.json" in str(error)


@pytest.mark.parametrize("name", ["tokenizer", "config", "tokenizer_config"])
@pytest.mark.parametrize(
    "body", [b"", b"{", b"<html>", b"[1]", b'{"eos_token_id": {}}', b"[" * 100_000, b"\xff\xfe"]
)
def test_a_damaged_companion_is_named(tmp_path: Path, name: str, body: bytes) -> None:
    path = write_folder(tmp_path)
    write_companions(tmp_path, **{name: body})
    if name != "config" and b"eos" in body:
        assert check(path)  # a field that only config.json has
    else:
        error = refused(path)
        assert error.text == "weights_companion_damaged"
        assert error.values["file"] == f"{name}.json"


def test_no_end_of_an_answer_is_refused(tmp_path: Path) -> None:
    path = write_folder(tmp_path)
    write_companions(tmp_path, config=CONFIG | {"eos_token_id": None}, tokenizer_config={})
    assert refused(path).text == "weights_onnx_no_end"


def test_an_unknown_cache_shape_is_refused(tmp_path: Path) -> None:
    inputs = {name: (INT64 if "ids" in name else FLOAT, ("b", "h", "p", "d")) for name in INPUTS}
    path = write_folder(tmp_path, content=build(inputs))
    write_companions(tmp_path, config={"eos_token_id": 2})
    assert refused(path).text == "weights_onnx_cache_shape"
