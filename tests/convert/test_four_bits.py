"""4-bit weights by GPTQ: the grid that was chosen is what the graph holds, and it pays."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from app.convert import conversion
from app.convert.source import find_source
from app.weights.task import Task
from tests.convert.checkpoints import FAMILIES, write_checkpoint
from tests.converted import converted, require_extra

# The libraries that build graphs warn of their own use of each other.
pytestmark = [pytest.mark.weights, pytest.mark.filterwarnings("ignore")]

# How the builder joins and splits Linears: the last part of a node's path, and whose rows it has.
JOINED = {
    "qkv_proj": ("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"),
    "q_proj": ("self_attn.q_proj",),
    "k_proj": ("self_attn.k_proj",),
    "v_proj": ("self_attn.v_proj",),
    "o_proj": ("self_attn.o_proj",),
    "gate_proj": ("mlp.gate_proj",),
    "up_proj": ("mlp.up_proj",),
    "down_proj": ("mlp.down_proj",),
    "fc1": ("mlp.fc1",),
    "fc2": ("mlp.fc2",),
}
OTHERS = {
    "phi": {"o_proj": ("self_attn.dense",)},
    "phi3": {
        "qkv_proj": ("self_attn.qkv_proj",),
        "gate_proj": ("mlp.gate_up_proj:0",),
        "up_proj": ("mlp.gate_up_proj:1",),
    },
}


@pytest.fixture(scope="module", autouse=True)
def _extra() -> None:
    require_extra()


def convert(folder: Path, source: Path) -> dict[str, Any]:
    conversion.convert(find_source(str(source), folder, Task()), folder / "out", "int4", Task())
    card: dict[str, Any] = json.loads((folder / "out" / "sllm.json").read_text())
    return card


def rows(state: Any, family: str, layer: int, part: str) -> Any:
    """Of the Linears that a node should hold; `:0` and `:1` are halves of one."""
    found = []
    for name in {**JOINED, **OTHERS.get(family, {})}[part]:
        module, _, half = name.partition(":")
        weight = state[f"model.layers.{layer}.{module}.weight"].numpy()
        found.append(np.split(weight, 2)[int(half)] if half else weight)
    return np.concatenate(found)


@pytest.mark.parametrize("family", FAMILIES)
def test_the_graph_holds_the_weights_that_were_chosen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, family: str
) -> None:
    from app.convert import decoder, nbits
    from app.convert.graph_file import GraphFile

    source = write_checkpoint(tmp_path / "source", family)
    model, before = decoder.load(source), decoder.load(source).state_dict()
    monkeypatch.setattr(decoder, "load", lambda _: model)
    card = convert(tmp_path, source)
    assert (card["algorithm"], card["converter"]) == ("gptq", 2)
    graph = GraphFile(tmp_path / "out" / "model.onnx")
    chosen = 0
    for node in nbits.find_nodes(graph):
        place = (family, node.layer, node.name.split("/")[-2])
        found = nbits.read(graph, node).numbers(node.columns)
        assert np.array_equal(found, rows(model.state_dict(), *place)), node.name
        old = rows(before, *place)
        error = np.sqrt(np.mean((found - old) ** 2) / np.mean(old**2))
        assert error < (0.2 if node.bits == 4 else 0.01)
        chosen += node.bits == 4
    assert chosen > 0


@pytest.mark.parametrize("family", FAMILIES)
def test_layers_are_run_as_the_model_runs_them(tmp_path: Path, family: str) -> None:
    """Each with its own mask and its own angles: Gemma's layers differ in both."""
    import torch

    from app.convert import decoder

    model = decoder.load(write_checkpoint(tmp_path, family))
    layers = decoder.layers_of(model)
    seen: list[Any] = []
    layers[-1].register_forward_hook(lambda _, __, found: seen.append(found))
    with torch.inference_mode():
        tokens = torch.arange(6, 198).remainder(200).view(2, 96)
        model(tokens, use_cache=False)
        running = decoder.start(model, tokens, Task())
        for layer in range(len(layers)):
            running.advance(layer)
    wanted = seen[0][0] if isinstance(seen[0], tuple) else seen[0]
    assert torch.allclose(torch.cat(running.states), wanted, atol=1e-5)


def test_what_is_not_found_whole_is_left_to_the_builder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from app.convert import four_bits

    monkeypatch.setattr(four_bits, "match", lambda *_: None)
    card = convert(tmp_path, write_checkpoint(tmp_path / "source", "llama"))
    assert card["algorithm"] == "k_quant_mixed"


def test_errors_are_made_up_for_by_what_the_layer_is_given() -> None:
    import torch

    from app.convert.rounding import gptq, search

    torch.manual_seed(20260101)
    weight = torch.randn(48, 96)
    given = torch.randn(2000, 24) @ torch.randn(24, 96) + 0.1 * torch.randn(2000, 96)
    found = gptq(weight, given.t() @ given, 32)
    scale, zero = (each.repeat_interleave(32, 1) for each in search(weight, 32))
    nearest = (((weight / scale).round() + zero).clamp(0, 15) - zero) * scale
    lost = (given @ (found.numbers - weight).t()).norm()
    assert lost < 0.5 * (given @ (nearest - weight).t()).norm()
    assert found.code.min() >= 0
    assert found.code.max() <= 15


def test_four_bits_lose_little_of_a_small_model(weights_dir: Path) -> None:
    """The builder's own best loses 18.6 %, plain rounding 40 %."""
    folder = converted(weights_dir, "smollm2-135m-instruct", "int4")
    card = json.loads((folder / "sllm.json").read_text())
    assert card["algorithm"] == "gptq"
    assert card["loss"] < 0.06
    assert (
        card["notice"] == f"The result is {round(100 * card['loss'])} % worse than the source "
        "on the test texts (perplexity). For the source's quality convert with --precision int8."
    )
