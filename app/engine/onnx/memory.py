"""Where the KV cache lies: in this process's memory, or on a device that only runs can reach."""

from collections.abc import Sequence
from math import prod
from typing import Any, ClassVar, NamedTuple, Protocol

import numpy as np

from app.engine.onnx.layout import Cache
from app.engine.onnx.session import device_tensor

Array = np.ndarray[Any, Any]


class Place(NamedTuple):
    """Some neighbouring rows of a cache as onnxruntime's bindings take them: device, its number,
    element type, shape [rows, heads, window, head_size] and address."""

    device: str
    number: int
    element: Any
    shape: tuple[int, ...]
    address: int


class Memory(Protocol):
    """One array [slots, heads, window, head_size] for each cache. It never moves: addresses of
    its rows are bound."""

    movable: ClassVar[bool]

    def place(self, cache: int, first: int, rows: int) -> Place:
        """Where `rows` rows of a cache lie, from row `first` on."""
        ...

    def swap(self, left: int, left_length: int, right: int, right_length: int) -> None:
        """Exchange the first tokens of two rows, in all caches; only where rows are movable."""
        ...


class HostMemory:
    """NumPy arrays; memory is taken from the system when a row is first written."""

    movable: ClassVar[bool] = True

    def __init__(self, caches: Sequence[Cache], count: int, window: int) -> None:
        self._elements = [cache.element for cache in caches]
        self.arrays: list[Array] = [
            np.zeros((count, cache.heads, window, cache.head_size), cache.dtype) for cache in caches
        ]

    def place(self, cache: int, first: int, rows: int) -> Place:
        part = self.arrays[cache][first : first + rows]
        return Place("cpu", 0, self._elements[cache], part.shape, part.ctypes.data)

    def swap(self, left: int, left_length: int, right: int, right_length: int) -> None:
        """Only the shorter one passes through a copy."""
        if right_length > left_length:
            left, left_length, right, right_length = right, right_length, left, left_length
        for array in self.arrays:
            kept = array[right, :, :right_length].copy()
            array[right, :, :left_length] = array[left, :, :left_length]
            array[left, :, :right_length] = kept


class DeviceMemory:
    """onnxruntime's own tensors on `device` ("cuda"). Nothing but runs reads or writes them, so a
    row stays where it is."""

    movable: ClassVar[bool] = False

    def __init__(self, caches: Sequence[Cache], count: int, window: int, device: str) -> None:
        """Raises one of session.ERRORS where the device has too little memory."""
        self._device = device
        self._caches = list(caches)
        self._shapes = [(cache.heads, window, cache.head_size) for cache in caches]
        self._tensors = [
            device_tensor((count, *shape), cache.element, device)
            for cache, shape in zip(caches, self._shapes, strict=True)
        ]

    def place(self, cache: int, first: int, rows: int) -> Place:
        shape, facts = self._shapes[cache], self._caches[cache]
        row_bytes = prod(shape) * np.dtype(facts.dtype).itemsize
        address = self._tensors[cache].data_ptr() + first * row_bytes
        return Place(self._device, 0, facts.element, (rows, *shape), address)

    def swap(self, left: int, left_length: int, right: int, right_length: int) -> None:
        raise NotImplementedError("rows on a device stay where they are")
