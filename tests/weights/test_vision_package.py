"""What of a model that sees is found, and what is said of what is not."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from app.weights import WeightsError
from app.weights.vision_files import SUFFIXES, find_files
from app.weights.vision_package import check
from tests.weights import onnx_builder as build

TEXT = {"hidden_size": 8, "num_attention_heads": 2, "eos_token_id": 3}
CONFIG: dict[str, Any] = {"model_type": "llava", "text_config": TEXT, "vision_config": {}}


def graph(
    inputs: dict[str, tuple[int, list[Any]]], outputs: dict[str, list[Any]], more: bytes = b""
) -> bytes:
    """A model whose nodes do not matter."""
    values = [build.value(11, name, kind, shape) for name, (kind, shape) in inputs.items()]
    values += [build.value(12, name, build.FLOAT, shape) for name, shape in outputs.items()]
    weight = build.message(5, build.tensor("weight", [4, 4]))
    body = weight + more + b"".join(values)
    opset = build.message(8, build.number(2, 17))
    return build.number(1, 8) + build.message(7, body) + opset


ENCODER = graph(
    {"pixel_values": (build.FLOAT, ["b", 3, 28, 28])}, {"image_features": ["b", "n", 8]}
)
EMBEDDING = graph({"input_ids": (build.INT64, ["b", "n"])}, {"inputs_embeds": ["b", "n", 8]})
DECODER = graph(
    {
        "inputs_embeds": (build.FLOAT, ["b", "n", 8]),
        "attention_mask": (build.INT64, ["b", "n"]),
        "past_key_values.0.key": (build.FLOAT, ["b", 2, "p", 4]),
        "past_key_values.0.value": (build.FLOAT, ["b", 2, "p", 4]),
    },
    {"logits": ["b", "n", 10], "present.0.key": [], "present.0.value": []},
)


def companions(folder: Path, config: dict[str, Any] = CONFIG) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "preprocessor_config.json").write_text(json.dumps({"do_resize": True}))
    (folder / "tokenizer.json").write_text(json.dumps({"added_tokens": []}))


def graphs(folder: Path, suffixes: tuple[str, str, str] = ("", "", "")) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, suffix, body in zip(
        ("vision_encoder", "embed_tokens", "decoder_model_merged"),
        suffixes,
        (ENCODER, EMBEDDING, DECODER),
        strict=True,
    ):
        (folder / f"{name}{suffix}.onnx").write_bytes(body)


def refusal(path: Path) -> WeightsError:
    with pytest.raises(WeightsError) as caught:
        check(path)
    return caught.value


@pytest.mark.parametrize("inner", ["", "onnx"])
def test_a_folder_as_hubs_have_it(tmp_path: Path, inner: str) -> None:
    graphs(tmp_path / inner)
    companions(tmp_path)
    package = check(tmp_path)
    assert package.family == "llava"
    assert [path.name for path in package.files.graphs] == [
        "vision_encoder.onnx",
        "embed_tokens.onnx",
        "decoder_model_merged.onnx",
    ]
    header = package.header
    assert (header.block_count, header.head_count_kv, header.key_length) == (1, 2, 4)
    assert (header.embedding_length, header.vocabulary_size) == (8, 10)
    assert header.parameters == 3 * 16
    assert header.end_tokens == (3,)
    assert header.weight_bytes == sum(map(len, (ENCODER, EMBEDDING, DECODER)))


def test_each_part_has_its_own_precision_and_the_best_is_taken(tmp_path: Path) -> None:
    companions(tmp_path)
    for suffix in reversed(SUFFIXES[1:]):
        graphs(tmp_path / "onnx", (suffix, "_fp16", suffix))
        files = find_files(tmp_path)
        assert files.encoder.name == f"vision_encoder{suffix}.onnx"
        assert files.embedding.name == "embed_tokens_fp16.onnx"
        assert files.decoder.name == f"decoder_model_merged{suffix}.onnx"


@pytest.mark.parametrize("beside", ["", "vision-model"])
def test_the_encoder_s_file_with_its_companions(tmp_path: Path, beside: str) -> None:
    graphs(tmp_path / beside)
    companions(tmp_path / beside)
    (tmp_path / beside / "vision_encoder.onnx").rename(tmp_path / "vision-model.onnx")
    package = check(tmp_path / "vision-model.onnx")
    assert package.files.encoder.name == "vision-model.onnx"
    assert package.files.decoder.parent == tmp_path / beside


def test_a_decoder_that_onnxruntime_genai_s_configuration_names(tmp_path: Path) -> None:
    graphs(tmp_path)
    companions(tmp_path)
    (tmp_path / "decoder_model_merged.onnx").rename(tmp_path / "text.onnx")
    facts = {"model": {"decoder": {"filename": "text.onnx"}, "eos_token_id": 7}}
    (tmp_path / "genai_config.json").write_text(json.dumps(facts))
    package = check(tmp_path)
    assert package.files.decoder.name == "text.onnx"
    assert package.header.end_tokens == (3, 7)


def test_a_configuration_does_not_name_files_elsewhere(tmp_path: Path) -> None:
    graphs(tmp_path)
    companions(tmp_path)
    (tmp_path / "decoder_model_merged.onnx").unlink()
    facts = {"model": {"decoder": {"filename": "../text.onnx"}}}
    (tmp_path / "genai_config.json").write_text(json.dumps(facts))
    assert refusal(tmp_path).text == "weights_onnx_outside"


def test_all_that_is_missing_is_named(tmp_path: Path) -> None:
    (tmp_path / "vision_encoder.onnx").write_bytes(ENCODER)
    error = refusal(tmp_path)
    assert error.text == "weights_vision_missing"
    assert str(error.values["missing"]).split(", ") == [
        "embed_tokens.onnx",
        "decoder_model_merged.onnx",
        "config.json",
        "preprocessor_config.json",
        "tokenizer.json",
    ]


def test_processor_config_alone_will_do(tmp_path: Path) -> None:
    graphs(tmp_path)
    companions(tmp_path)
    (tmp_path / "preprocessor_config.json").unlink()
    found = {
        "image_processor": {"size": {"height": 4, "width": 4}},
        "image_token": {"content": "<image>"},
        "patch_size": 14,
    }
    (tmp_path / "processor_config.json").write_text(json.dumps(found))
    assert check(tmp_path).preprocessor == {
        "size": {"height": 4, "width": 4},
        "image_token": "<image>",
        "patch_size": 14,
    }


@pytest.mark.parametrize(
    ("name", "body", "text"),
    [
        ("decoder_model_merged", EMBEDDING, "weights_vision_decoder"),
        ("embed_tokens", DECODER, "weights_vision_embedding"),
        ("vision_encoder", EMBEDDING, "weights_vision_encoder"),
        ("vision_encoder", b"<html>", "weights_html"),
        ("embed_tokens", EMBEDDING[:40], "weights_truncated"),
    ],
)
def test_a_part_that_is_something_else(tmp_path: Path, name: str, body: bytes, text: str) -> None:
    graphs(tmp_path)
    companions(tmp_path)
    (tmp_path / f"{name}.onnx").write_bytes(body)
    assert refusal(tmp_path).text == text


@pytest.mark.parametrize("part", ["vision_encoder", "embed_tokens", "decoder_model_merged"])
def test_weights_outside_a_graph_are_looked_at_in_every_part(tmp_path: Path, part: str) -> None:
    graphs(tmp_path)
    companions(tmp_path)
    path = tmp_path / f"{part}.onnx"
    far = build.message(5, build.tensor("far", [2], data=build.Data("../secret", 0, 8)))
    inside = build.message(5, build.tensor("weight", [4, 4]))
    longer = path.read_bytes().replace(inside, far)
    # The graph's length comes before it.
    body = longer.partition(far)[2]
    whole = far + body[: body.rindex(build.message(8, build.number(2, 17)))]
    tail = build.message(8, build.number(2, 17))
    path.write_bytes(build.number(1, 8) + build.message(7, whole) + tail)
    assert refusal(tmp_path).text == "weights_onnx_outside"


def test_a_second_graph_in_a_file_hides_nothing(tmp_path: Path) -> None:
    """Readers of protobuf join the two; a look at the last one alone would miss the first."""
    graphs(tmp_path)
    companions(tmp_path)
    path = tmp_path / "vision_encoder.onnx"
    far = build.message(5, build.tensor("far", [2], data=build.Data("../secret", 0, 8)))
    path.write_bytes(build.number(1, 8) + build.message(7, far) + ENCODER)
    assert refusal(tmp_path).text == "weights_absurd_header"


def test_a_damaged_configuration(tmp_path: Path) -> None:
    graphs(tmp_path)
    companions(tmp_path)
    (tmp_path / "config.json").write_text("[1]")
    assert refusal(tmp_path).text == "weights_companion_damaged"
    (tmp_path / "config.json").write_text(json.dumps({**CONFIG, "text_config": {"head_dim": "x"}}))
    assert refusal(tmp_path).text == "weights_companion_damaged"


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    graphs(tmp_path)
    companions(tmp_path)
    (tmp_path / "embed_tokens.onnx").unlink()
    os.mkfifo(tmp_path / "embed_tokens.onnx")
    assert refusal(tmp_path).text == "weights_vision_missing"


@pytest.mark.parametrize(
    ("name", "other"),
    [
        (
            "vision_encoder",
            graph({"pixel_values": (build.FLOAT, ["b", 3, 28, 28])}, {"image_features": ["n", 6]}),
        ),
        (
            "embed_tokens",
            graph({"input_ids": (build.INT64, ["b", "n"])}, {"inputs_embeds": ["b", "n", 6]}),
        ),
    ],
)
def test_a_part_of_another_model_is_refused_with_both_widths(
    tmp_path: Path, name: str, other: bytes
) -> None:
    graphs(tmp_path)
    companions(tmp_path)
    (tmp_path / f"{name}.onnx").write_bytes(other)
    error = refusal(tmp_path)
    assert error.text == "weights_vision_width"
    assert (error.values["file"], error.values["made"], error.values["taken"]) == (
        f"{name}.onnx",
        6,
        8,
    )
