"""A source's decoder layers, run one after the other on calibration text, with hooks that see
what each Linear is given. Needs PyTorch.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch
from msgspec import Struct

from app.weights.task import Task

Module = Any
Tensor = Any
Call = tuple[tuple[Any, ...], dict[str, Any]]


class _Stop(Exception):
    """Raised by a hook where a pass needs to go no further, caught by who set it."""


class Decoder(Struct):
    """`states` are the next layer's inputs, one for each row of text; `arguments` what a layer is
    called with beside them, which is the same for every row, since all are of one length."""

    layers: list[Module]
    states: list[Tensor]
    arguments: list[Call]

    def run(self, layer: int, states: Tensor) -> Tensor:
        places, names = self.arguments[layer]
        found = self.layers[layer](states, *places, **names)
        return found[0] if isinstance(found, tuple) else found

    def advance(self, layer: int) -> None:
        """What the next layer is given, by this one as its weights are now."""
        for index, states in enumerate(self.states):
            self.states[index] = self.run(layer, states)


def load(folder: Path) -> Module:
    from transformers import AutoModelForCausalLM

    read: Any = AutoModelForCausalLM.from_pretrained(
        str(folder), dtype=torch.float32, local_files_only=True
    )
    return read.eval()


def layers_of(model: Module) -> list[Module]:
    return list(getattr(model.base_model, "layers", ()))


def linears(layer: Module) -> dict[str, Module]:
    found = layer.named_modules()
    return {name: each for name, each in found if isinstance(each, torch.nn.Linear)}


def start(model: Module, tokens: Tensor, task: Task) -> Decoder:
    """Before the first layer. `tokens` [rows, length]."""
    layers = layers_of(model)
    called = _calls(model, layers, tokens[:1], task)
    states = [_calls(model, layers[:1], row, task)[0][0][0] for row in tokens.split(1)]
    return Decoder(layers, states, [(places[1:], names) for places, names in called])


def _calls(model: Module, layers: list[Module], tokens: Tensor, task: Task) -> list[Call]:
    """What each of `layers` is called with; nothing is run beyond the last."""
    found: list[Call] = []

    def hook(layer: Module, places: tuple[Any, ...], names: dict[str, Any]) -> None:
        task.check()
        found.append((places, names))
        if layer is layers[-1]:
            raise _Stop

    hooks = [(layer, hook) for layer in layers]
    _until_stopped(lambda: model(tokens, use_cache=False), hooks, with_kwargs=True)
    return found


def stages(decoder: Decoder, layer: int) -> list[list[str]]:
    """Names of Linears as they are run, those that are given the same tensor together."""
    seen: list[tuple[Tensor, list[str]]] = []

    def note(name: str) -> Callable[..., None]:
        def hook(_: Module, places: tuple[Any, ...]) -> None:
            same = [names for given, names in seen if given is places[0]]
            if same:
                same[0].append(name)
            else:
                seen.append((places[0], [name]))

        return hook

    modules = linears(decoder.layers[layer])
    hooks = [(module, note(name)) for name, module in modules.items()]
    _until_stopped(lambda: decoder.run(layer, decoder.states[0]), hooks)
    return [names for _, names in seen]


def inputs(decoder: Decoder, layer: int, name: str, task: Task) -> Iterator[Tensor]:
    """What the Linear `name` of a layer is given, [tokens, columns], row by row of text."""
    module = linears(decoder.layers[layer])[name]
    found: list[Tensor] = []

    def hook(_: Module, places: tuple[Any, ...]) -> None:
        found.append(places[0].flatten(0, -2))
        raise _Stop

    for states in decoder.states:
        task.check()
        _until_stopped(lambda states=states: decoder.run(layer, states), [(module, hook)])  # type: ignore[misc]
        yield found.pop()


def _until_stopped(
    run: Callable[[], object], hooks: list[tuple[Module, Callable[..., None]]], **how: bool
) -> None:
    handles = [module.register_forward_pre_hook(hook, **how) for module, hook in hooks]
    try:
        run()
    except _Stop:
        return
    finally:
        for handle in handles:
            handle.remove()
