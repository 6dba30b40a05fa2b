"""The text that 4-bit weights are chosen by, as rows of tokens. It was written for this purpose and
shares nothing with the texts that a conversion is measured by (quality.py)."""

from importlib.resources import files
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

ROW: Final = 256


def tokens_of(folder: Path) -> NDArray[np.int64]:
    """[rows, ROW], as the weights' tokenizer has them; what fills no row is left out."""
    from tokenizers import Tokenizer

    tokenizer: Any = Tokenizer.from_file(str(folder / "tokenizer.json"))
    text = files("app.convert").joinpath("texts", "calibration.txt").read_text("utf-8")
    tokens = np.array(tokenizer.encode(text).ids, np.int64)
    rows = max(1, len(tokens) // ROW)
    return tokens[: rows * ROW].reshape(rows, -1)
