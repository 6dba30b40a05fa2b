"""Why weights cannot be had or used, in words with the fix, in both languages."""

import json
from functools import cache
from importlib.resources import files

Value = str | int | float


class WeightsError(Exception):
    """`text` is a key of messages.json, `values` fill it; `str()` is the English sentence.

    The values name files by base name and hosts without credentials, so that the sentence may
    be shown to anybody.
    """

    def __init__(self, text: str, /, **values: Value) -> None:
        self.text = text
        self.values = values
        super().__init__(_messages()[text]["en"].format(**values))


class SourceFailedError(WeightsError):
    """This source cannot give the file; another one may."""


class CancelledError(Exception):
    """The work was stopped on purpose; what was fetched so far is kept."""


@cache
def _messages() -> dict[str, dict[str, str]]:
    body = files("app.weights").joinpath("messages.json").read_text(encoding="utf-8")
    messages: dict[str, dict[str, str]] = json.loads(body)
    return messages
