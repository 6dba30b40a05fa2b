"""A decoder's inputs where it takes embeddings: those of token ids, by a session of their own,
and feature rows in the places of images.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from app.engine.backends.base import LoadError
from app.engine.onnx.layout import EMBEDS, TYPES, Layout
from app.engine.onnx.session import ERRORS, open_session, quiet
from app.engine.onnx.vision.sight import Array, Sight

_IDS = "input_ids"


class Eyes:
    """Knows what each slot has been shown. Belongs to the thread that computes."""

    def __init__(self, session: Any, layout: Layout) -> None:
        self._session = session
        self._ids = TYPES[session.get_inputs()[0].type]
        self._layout = layout
        self._sights: dict[int, Sight] = {}
        self.width = self._embed(np.zeros((1, 1), np.int64)).shape[-1]

    def look(self, slot: int, sight: Sight) -> None:
        """From now on the slot's places are those of this prompt."""
        self._sights[slot] = sight

    def feeds(
        self, slots: Sequence[int], tokens: Array, lengths: Sequence[int]
    ) -> dict[str, Array]:
        """Embeddings of `tokens` [rows, new] for these slots, which hold `lengths` tokens, and
        positions if they have three axes. Raises one of session.ERRORS."""
        embeddings = self._embed(tokens)
        feeds = {EMBEDS: embeddings}
        sights = [self._sights.get(slot) for slot in slots]
        for row, (sight, length) in enumerate(zip(sights, lengths, strict=True)):
            if sight is not None:
                sight.fill(embeddings[row], length)
        if self._layout.axes == 3:
            new = tokens.shape[1]
            feeds["position_ids"] = self._positions(sights, lengths, new)
        return feeds

    def _embed(self, tokens: Array) -> Array:
        """[rows, new, width], to be written to."""
        ids: Array = np.ascontiguousarray(tokens, self._ids)
        (found,) = self._session.run(None, {_IDS: ids}, quiet())
        return np.array(found, self._layout.embeds)

    def _positions(self, sights: Sequence[Sight | None], lengths: Sequence[int], new: int) -> Array:
        plain = Sight((), ())
        found = [
            (sight or plain).positions(length, new)
            for sight, length in zip(sights, lengths, strict=True)
        ]
        return np.ascontiguousarray(np.stack(found, axis=1), self._layout.ids)


def open_eyes(path: Path, layout: Layout, model: str) -> Eyes:
    """Raises LoadError for a graph that does not embed ids, or one of session.UNREADABLE."""
    session = open_session(path, 1, decoder=False)
    inputs = session.get_inputs()
    if [value.name for value in inputs] != [_IDS] or len(session.get_outputs()) != 1:
        names = ", ".join(value.name for value in inputs)[:80]
        raise LoadError("onnx_embedding_unknown", model=model, name=path.name, inputs=names)
    try:
        return Eyes(session, layout)
    except ERRORS as error:
        raise LoadError("onnx_run_failed", model=model, reason=str(error)[:300]) from error
