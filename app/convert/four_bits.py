"""The 4-bit weights of a built graph, chosen anew by GPTQ: decoder layer after decoder layer, each
given what the layers before make of the calibration text in their new weights. Needs PyTorch.
"""

import re
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from msgspec import Struct

from app.convert import decoder, nbits
from app.convert.builder import Algorithm
from app.convert.calibration import tokens_of
from app.convert.decoder import Decoder, linears
from app.convert.graph_file import GraphFile
from app.convert.matching import Run, match
from app.convert.nbits import Codes, NBits
from app.convert.rounding import Rounded, gptq, nearest
from app.weights.task import Task

BITS: Final = 4
# What attention compares and sums up costs most in 4 bits and is small (decision 0013).
SENSITIVE: Final = re.compile(r"/(qkv|q|k|v)_proj/")
Module = Any
Tensor = Any


class _Held(Struct, frozen=True):
    """A node of the graph, and the rows of which Linears it holds."""

    node: NBits
    runs: list[Run]


def improve(graph: GraphFile, folder: Path, task: Task) -> Algorithm:
    """Write better 4-bit weights into the builder's graph of the source in `folder`. What cannot
    be found in it whole is left as the builder made it: nothing is changed then."""
    with torch.inference_mode():
        model = decoder.load(folder)
        held = _held(graph, decoder.layers_of(model), task)
        if held is None:
            return "k_quant_mixed"
        held = [
            [_widened(graph, each, linears(layer)) for each in nodes]
            for layer, nodes in zip(decoder.layers_of(model), held, strict=True)
        ]
        running = decoder.start(model, torch.from_numpy(tokens_of(folder)), task)
        for layer, nodes in enumerate(held):
            task.progress.advance("weights", layer, len(held))
            _improve_layer(graph, running, layer, nodes, task)
        task.progress.advance("weights", len(held), len(held))
    return "gptq"


def _held(graph: GraphFile, layers: list[Module], task: Task) -> list[list[_Held]] | None:
    """By layer; None where a node's rows are nobody's, or no node has 4 bits."""
    held: list[list[_Held]] = [[] for _ in layers]
    some = False
    for node in nbits.find_nodes(graph):
        task.check()
        if node.layer >= len(layers):
            return None
        weights = {name: each.weight for name, each in linears(layers[node.layer]).items()}
        runs = match(_numbers(graph, node), weights)
        if runs is None:
            return None
        held[node.layer].append(_Held(node, runs))
        some = some or node.bits == BITS
    return held if some else None


def _numbers(graph: GraphFile, node: NBits) -> Tensor:
    return torch.from_numpy(nbits.read(graph, node).numbers(node.columns))


def _widened(graph: GraphFile, held: _Held, modules: dict[str, Module]) -> _Held:
    """With 8 bits of the source's weights where 4 cost too much."""
    if held.node.bits != BITS or not SENSITIVE.search(held.node.name):
        return held
    rounded = {
        run.name: nearest(_padded(modules[run.name], held.node.block), held.node.block)
        for run in held.runs
    }
    return _Held(nbits.widen(graph, held.node, _codes(held, rounded)), held.runs)


def _padded(module: Module, block: int) -> Tensor:
    """[rows, whole blocks]."""
    return torch.nn.functional.pad(module.weight, (0, -module.in_features % block))


def _improve_layer(
    graph: GraphFile, running: Decoder, layer: int, nodes: list[_Held], task: Task
) -> None:
    """Linears in the order they are run, so that each is given what those before it now make."""
    modules = linears(running.layers[layer])
    blocks = {run.name: each.node.block for each in nodes if each.node.bits == BITS
              for run in each.runs}  # fmt: skip
    rounded: dict[str, Rounded] = {}
    for names in decoder.stages(running, layer):
        wanted = [name for name in names if name in blocks]
        if wanted:
            hessian = _hessian(running, layer, wanted[0], task)
            for name in wanted:
                task.check()
                rounded[name] = _round(modules[name], hessian, blocks[name])
        _as_built(graph, modules, nodes, names)
    for each in nodes:
        if each.node.bits == BITS:
            nbits.write(graph, each.node, _codes(each, rounded))
    running.advance(layer)


def _hessian(running: Decoder, layer: int, name: str, task: Task) -> Tensor:
    columns = linears(running.layers[layer])[name].in_features
    total = torch.zeros(columns, columns)
    for given in decoder.inputs(running, layer, name, task):
        total += given.t() @ given
    return total


def _round(module: Module, hessian: Tensor, block: int) -> Rounded:
    """Also in the source's module, for those that come after."""
    more = -module.in_features % block
    padded = torch.nn.functional.pad(hessian, (0, more, 0, more))
    found = gptq(_padded(module, block), padded, block)
    module.weight.copy_(found.numbers[:, : module.in_features])
    return found


def _as_built(
    graph: GraphFile, modules: dict[str, Module], nodes: list[_Held], names: list[str]
) -> None:
    """Give Linears the weights of nodes with more bits, which stay as they are."""
    for each in nodes:
        runs = [run for run in each.runs if run.name in names and each.node.bits != BITS]
        numbers = _numbers(graph, each.node) if runs else None
        for run in runs:
            assert numbers is not None
            rows = numbers[run.at : run.at + run.count]
            modules[run.name].weight[run.start : run.start + run.count].copy_(rows)


def _codes(held: _Held, rounded: dict[str, Rounded]) -> Codes:
    parts = [(rounded[run.name], slice(run.start, run.start + run.count)) for run in held.runs]
    return Codes(
        torch.cat([each.code[rows] for each, rows in parts]).numpy().astype(np.uint8),
        torch.cat([each.scale[rows] for each, rows in parts]).numpy(),
        torch.cat([each.zero[rows] for each, rows in parts]).numpy().astype(np.uint8),
    )
