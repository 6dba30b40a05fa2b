"""Values out of a model's own JSON files, with a clear error for what cannot be."""

from collections.abc import Mapping, Sequence
from typing import Any

from app.engine.backends.base import LoadError


class Settings:
    """An object of config.json or preprocessor_config.json; `name` is for messages."""

    def __init__(self, values: Mapping[str, Any], name: str) -> None:
        self._values = values
        self._name = name

    def part(self, key: str) -> "Settings":
        """An object inside; an empty one if there is none. Sizes used to be a number alone."""
        found = self._values.get(key)
        if found is None:
            found = {}
        if isinstance(found, int) and key in ("size", "crop_size"):
            found = {"shortest_edge": found}
        if not isinstance(found, Mapping):
            raise self.wrong(key)
        return Settings(found, f"{self._name}: {key}")

    def has(self, key: str) -> bool:
        return self._values.get(key) is not None

    def integer(self, key: str, default: int | None = None, most: int = 1 << 24) -> int:
        """A number from 1 to `most`."""
        found = self._values.get(key)
        found = default if found is None else found
        if not isinstance(found, int) or isinstance(found, bool) or not 0 < found <= most:
            raise self.wrong(key)
        return found

    def count(self, key: str, default: int = 0) -> int:
        """A small number from 0 on."""
        found = self._values.get(key, default)
        if not isinstance(found, int) or isinstance(found, bool) or not 0 <= found <= 1 << 16:
            raise self.wrong(key)
        return found

    def number(self, key: str, default: float) -> float:
        found = self._values.get(key)
        found = default if found is None else found
        if not isinstance(found, int | float) or isinstance(found, bool):
            raise self.wrong(key)
        return float(found)

    def numbers(self, key: str, default: Sequence[float]) -> list[float]:
        """Three of them, one for each colour."""
        found = self._values.get(key)
        found = list(default) if found is None else found
        if isinstance(found, int | float):
            found = [found] * 3
        if not isinstance(found, list) or len(found) != 3:
            raise self.wrong(key)
        return [Settings({key: each}, self._name).number(key, 0) for each in found]

    def flag(self, key: str, default: bool) -> bool:
        found = self._values.get(key)
        found = default if found is None else found
        if not isinstance(found, bool):
            raise self.wrong(key)
        return found

    def text(self, key: str, default: str) -> str:
        found = self._values.get(key)
        found = default if found is None else found
        if not isinstance(found, str) or not found:
            raise self.wrong(key)
        return found

    def resample(self, default: int) -> int:
        """Pillow's number of a filter."""
        found = self.count("resample", default) if self.has("resample") else default
        if found > 5:
            raise self.wrong("resample")
        return found

    def wrong(self, key: str) -> LoadError:
        """The error for a value that cannot be, or that is missing."""
        found = self._values.get(key)
        value = "-" if found is None else str(found)[:60]
        return LoadError("vision_setting", file=self._name, key=key, value=value)
