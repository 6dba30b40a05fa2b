"""Loading and unloading leaves nothing behind in the process that starts engines."""

from pathlib import Path

import pytest

from benchmarks.loads import Left, measure, report

pytest.importorskip("onnx", reason="onnx, which writes the graph, comes with the extra 'convert'")
from tests.engine.onnx.tiny_folder import write_tiny


async def test_five_loads_leave_what_the_first_one_left(tmp_path: Path) -> None:
    before, first, *later = await measure(write_tiny(tmp_path), 5, (0, 1, 2, 5))
    assert [each.loads for each in later] == [2, 5]
    for each in later:
        assert each.holds_no_more_than(first)
        # Servers of other tests may run all the while.
        assert (each.children, each.directories) == (before.children, before.directories)


@pytest.mark.parametrize("kept", ["resident", "descriptors", "threads", "children", "directories"])
def test_the_table_says_when_something_stays(kept: str) -> None:
    warm = Left(20, 100_000_000, 10, 2, 0, 0, 5_000_000_000)
    fields = {name: getattr(warm, name) for name in Left.__struct_fields__}
    more = fields[kept] + (3_000_000 if kept == "resident" else 1)
    last = Left(**fields | {"loads": 200, kept: more})
    assert report([warm, Left(**fields | {"loads": 200})]).endswith("met")
    assert report([warm, last]).endswith("MISSED")
