"""Results of a comparison as a run would leave them, made up."""

from collections.abc import Sequence

from benchmarks.compare.peers import GENAI, LLAMA, OURS, OURS_ONNX, PYTHON
from benchmarks.compare.values import Results, Value, Who

MODEL = "smollm2-135m-instruct-q4_1"


def who(name: str) -> Who:
    kin = "onnx" if name in (OURS_ONNX, GENAI) else "gguf"
    return Who(name, "1", kin, "weights", "settings", 100_000_000)


def results(*names: str) -> Results:
    peers = [who(name) for name in names or (OURS, OURS_ONNX, LLAMA, PYTHON, GENAI)]
    return Results(MODEL, 3, peers, read_bytes_per_second=20e9)


def values(
    scenario: str, figure: str, peer: str, numbers: Sequence[float], at: float = 8
) -> list[Value]:
    """One a round."""
    return [
        Value(scenario, figure, "case", peer, number, value, at)
        for number, value in enumerate(numbers)
    ]
