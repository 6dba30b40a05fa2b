"""Models that see which cannot be served: each is refused when it is loaded, and says why."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from app.domain.errors import SllmError
from app.domain.messages import Message
from app.engine.backends.base import LoadError
from app.engine.backends.chat_prompt import fold
from app.engine.backends.seeing_prompt import contents_of
from app.engine.onnx.chat_template import ChatTemplate
from app.engine.onnx.layout import read_layout
from app.engine.onnx.vision.encoder import Encoder, Stop, Stopped
from app.engine.onnx.vision.families import family
from app.engine.onnx.vision.parts import flat_contents, part_contents
from app.engine.onnx.vision.qwen_vl import QwenVl
from app.engine.onnx.vision.sight import Run, Sight
from app.engine.spec import OnnxVisionSpec
from tests.engine.onnx.vision.checkpoints import TEMPLATE, noise, stored


def spec(kind: str, preprocessor: dict[str, Any], config: dict[str, Any]) -> OnnxVisionSpec:
    return OnnxVisionSpec(kind, "", "", config=config, preprocessor=preprocessor, cache="")


def test_an_architecture_that_is_not_known_is_named() -> None:
    with pytest.raises(LoadError) as caught:
        family(spec("florence2", {}, {}), "tiny")
    assert caught.value.text == "vision_family_unknown"
    assert caught.value.values["family"] == "florence2"
    assert "llava" in str(caught.value.values["known"])


@pytest.mark.parametrize(
    ("kind", "preprocessor", "config", "key"),
    [
        ("llava", {"size": "big"}, {}, "size"),
        ("llava", {"image_mean": [1, 2]}, {}, "image_mean"),
        ("llava", {"resample": 9}, {}, "resample"),
        ("llava", {}, {"vision_config": {"patch_size": 0}}, "patch_size"),
        ("llava", {}, {"vision_feature_select_strategy": "some"}, "vision_feature_select_strategy"),
        ("idefics3", {"image_seq_len": 5}, {}, "image_seq_len"),
        ("idefics3", {"max_image_size": {"longest_edge": -1}}, {}, "longest_edge"),
        ("qwen2_vl", {"patch_size": "14"}, {}, "patch_size"),
        ("qwen2_5_vl", {"do_rescale": 1}, {}, "do_rescale"),
    ],
)
def test_a_setting_that_cannot_be_is_named(
    kind: str, preprocessor: dict[str, Any], config: dict[str, Any], key: str
) -> None:
    with pytest.raises(LoadError) as caught:
        family(spec(kind, preprocessor, config), "tiny")
    assert caught.value.text == "vision_setting"
    assert caught.value.values["key"] == key


def test_an_image_that_is_too_narrow_is_the_client_s_error() -> None:
    with pytest.raises(SllmError, match="image_too_narrow"):
        QwenVl(spec("qwen2_vl", {}, {})).prepare(noise(1, 201))


class Value:
    def __init__(self, name: str, kind: str) -> None:
        self.name, self.type = name, kind
        self.shape: list[Any] = ["rows", "new", 4]


class Session:
    """Takes what it is given, and remembers it."""

    def __init__(self, inputs: dict[str, str]) -> None:
        self._inputs = inputs
        self.fed: dict[str, Any] = {}

    def get_inputs(self) -> list[Value]:
        return [Value(name, kind) for name, kind in self._inputs.items()]

    def get_outputs(self) -> list[Value]:
        return [Value("hidden", ""), Value("image_features", "")]

    def run(self, names: list[str], feeds: dict[str, Any], options: Any) -> list[Any]:
        assert names == ["image_features"]
        self.fed = feeds
        return [np.zeros((1, 3, 4), np.float16)]


FEEDS = {
    "pixel_values": np.ones((1, 3, 2, 2), np.float32),
    "pixel_attention_mask": np.ones((1, 2, 2), np.bool_),
    "image_grid_thw": np.array([[1, 2, 2]]),
}


def test_an_encoder_gets_what_it_declares_in_its_own_types() -> None:
    session = Session(
        {
            "pixel_values": "tensor(float16)",
            "pixel_attention_mask": "tensor(int64)",
            "grid_thw": "tensor(int32)",
        }
    )
    encoder = Encoder(session, "tiny")
    encoder.check(FEEDS)
    rows = encoder.run(FEEDS, Stop())
    assert (rows.shape, rows.dtype) == ((3, 4), np.float32)
    kinds = {name: array.dtype for name, array in session.fed.items()}
    assert kinds == {
        "pixel_values": np.float16,
        "pixel_attention_mask": np.int64,
        "grid_thw": np.int32,
    }
    Encoder(session := Session({"pixel_values": "tensor(float)"}), "t").run(FEEDS, Stop())
    assert list(session.fed) == ["pixel_values"]


def test_an_input_that_nobody_makes_is_named() -> None:
    encoder = Encoder(Session({"pixel_values": "tensor(float)", "more": "tensor(float)"}), "tiny")
    with pytest.raises(LoadError) as caught:
        encoder.check(FEEDS)
    assert caught.value.values["names"] == "more"


def test_brain_floats_are_refused() -> None:
    encoder = Encoder(Session({"pixel_values": "tensor(bfloat16)"}), "tiny")
    with pytest.raises(LoadError, match="vision_inputs_missing"):
        encoder.check(FEEDS)
    cache = Value("past_key_values.0.key", "tensor(float)")
    embeds = Value("inputs_embeds", "tensor(bfloat16)")
    with pytest.raises(LoadError, match="onnx_input_unknown"):
        read_layout([embeds, cache], [Value("logits", "tensor(float)")], "tiny", 4)


def test_a_run_that_is_stopped_before_it_begins_does_nothing() -> None:
    stop = Stop()
    stop.set()
    with pytest.raises(Stopped):
        Encoder(Session({"pixel_values": "tensor(float)"}), "tiny").run(FEEDS, stop)


class Sees:
    placeholder = "<image>"

    async def pieces(self, picture: Any) -> tuple[str | int, ...]:
        return (1,)

    def contents(self, messages: Any) -> list[dict[str, Any]]:
        return part_contents(messages)

    def flat(self, messages: Any) -> list[dict[str, Any]]:
        return flat_contents(messages, self.placeholder)


def chosen(template: str) -> Any:
    return contents_of(ChatTemplate(template, {}, "tiny"), Sees(), "tiny")


def test_templates_of_parts_and_of_texts_alone_both_work(tmp_path: Path) -> None:
    message = Message("user", "Hi", (stored(tmp_path, noise(2, 2)),))
    assert chosen(TEMPLATE.replace("IMAGE", "<image>"))([message])[0]["content"] == [
        {"type": "image"},
        {"type": "text", "text": "Hi"},
    ]
    plain = "{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}"
    assert chosen(plain)([message])[0]["content"] == "<image>\nHi"
    strict = "{% for m in messages %}{{ m.content + '' }}{% endfor %}"
    assert chosen(strict)([message])[0]["content"] == "<image>\nHi"


def test_a_template_without_a_place_for_images_is_refused() -> None:
    with pytest.raises(LoadError, match="vision_template"):
        chosen("{% for m in messages %}{{ m.role }}{% endfor %}")
    with pytest.raises(LoadError, match="vision_template"):
        chosen("{{ raise_exception('no') }}")


def test_folded_messages_keep_their_images(tmp_path: Path) -> None:
    one, two = stored(tmp_path, noise(2, 2, 1)), stored(tmp_path, noise(2, 2, 2))
    folded = fold(
        [Message("system", "Be."), Message("user", "A", (one,)), Message("user", "B", (two,))]
    )
    assert folded == [Message("user", "Be.\n\nA\n\nB", (one, two))]


def test_rows_are_put_where_a_chunk_meets_them() -> None:
    prompt = [5, -3, -2, -1, 6, -9, 7]
    runs = [Run(1, np.full((3, 2), [[1], [2], [3]])), Run(5, np.full((1, 2), 9))]
    sight = Sight(prompt, runs)
    assert sight.words == [5, 0, 0, 0, 6, 0, 7]
    for start in range(8):
        for stop in range(start, 8):
            found = np.zeros((stop - start, 2))
            sight.fill(found, start)
            assert list(found[:, 0]) == [0, 1, 2, 3, 0, 9, 0, 0][start:stop]


def test_positions_go_on_after_the_longer_side() -> None:
    prompt = [5, *([-1] * 6), 6, 7]
    sight = Sight(prompt, [Run(1, np.zeros((6, 2)), (1, 2, 3))])
    found = sight.positions(0, 11)
    assert found.tolist() == [
        [0, 1, 1, 1, 1, 1, 1, 4, 5, 6, 7],
        [0, 1, 1, 1, 2, 2, 2, 4, 5, 6, 7],
        [0, 1, 2, 3, 1, 2, 3, 4, 5, 6, 7],
    ]
    for start in range(14):
        assert (
            sight.positions(start, 1).tolist()
            == sight.positions(0, 20)[:, start : start + 1].tolist()
        )
