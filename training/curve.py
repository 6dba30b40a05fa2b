"""A run's measurements: a CSV file that grows line by line, and the same lines on the terminal."""

from pathlib import Path


class Curve:
    def __init__(self, path: Path, columns: tuple[str, ...]) -> None:
        self._path = path
        path.write_text(",".join(columns) + "\n", encoding="utf-8")

    def add(self, *values: float) -> None:
        line = ",".join(f"{value:.4f}".rstrip("0").rstrip(".") for value in values)
        with self._path.open("a", encoding="utf-8") as file:
            file.write(line + "\n")
        print(line, flush=True)
