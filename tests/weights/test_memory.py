"""Memory: what is needed, and what control groups leave."""

from pathlib import Path

import psutil
import pytest

from app.weights.memory import available_bytes, fits, needed_bytes
from app.weights.preflight import check
from tests.weights.gguf_builder import build


def _tree(root: Path, files: dict[str, str]) -> Path:
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return root


V2 = {
    "proc/self/cgroup": "0::/a/b\n",
    "sys/fs/cgroup/a/b/memory.max": "max\n",
    "sys/fs/cgroup/a/b/memory.current": "1\n",
    "sys/fs/cgroup/a/memory.max": "9000000\n",
    "sys/fs/cgroup/a/memory.current": "8000000\n",
    "sys/fs/cgroup/a/memory.stat": "anon 5\ninactive_file 300000\nactive_file 200000\n",
}
V1 = {
    "proc/self/cgroup": "5:cpu,memory:/docker/x\n2:pids:/\n",
    "sys/fs/cgroup/memory/memory.limit_in_bytes": "9000000\n",
    "sys/fs/cgroup/memory/memory.usage_in_bytes": "7500000\n",
    "sys/fs/cgroup/memory/docker/x/memory.limit_in_bytes": "9223372036854771712\n",
    "sys/fs/cgroup/memory/docker/x/memory.usage_in_bytes": "7500000\n",
}


@pytest.mark.parametrize("files", [V2, V1])
def test_the_tightest_control_group_counts(tmp_path: Path, files: dict[str, str]) -> None:
    assert available_bytes(_tree(tmp_path, files)) == 1_500_000


def test_without_limits_it_is_what_the_system_has(tmp_path: Path) -> None:
    total = psutil.virtual_memory().total
    assert 0 < available_bytes(tmp_path) <= total
    assert 0 < available_bytes() <= total


def test_needs_grow_with_slots_and_window_by_the_cache(tmp_path: Path) -> None:
    path = tmp_path / "tiny.gguf"
    path.write_bytes(build())
    header = check(path)
    one, four = needed_bytes(header, 1, 4096), needed_bytes(header, 4, 4096)
    assert four - one == 3 * 4096 * header.kv_bytes_per_token
    assert fits(header, 1, 64).ok
    assert not fits(header, 1 << 20, 1 << 20).ok
