"""What a scrape looks at beside the engines: the server, its workers, its database, its build."""

import platform
from collections.abc import Iterable, Iterator
from importlib import metadata

import psutil
from prometheus_client import Metric
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from app import __version__
from app.engine.runtime_dir import server_pid
from app.metrics.engines import looked_at
from app.metrics.state import ServerState

LIBRARIES = ("xllamacpp", "onnxruntime")


class ServerCollector(Collector):
    """`workers` are the API workers that are alive."""

    def __init__(self, state: ServerState, workers: Iterable[psutil.Process]) -> None:
        self._state = state
        self._workers = list(workers)

    def collect(self) -> Iterator[Metric]:
        state = self._state
        yield build_info()
        yield _one("sllm_ready", "1 when the text model answers, as /health/ready.", state.ready)
        yield _one("sllm_draining", "1 while the server ends.", state.draining)
        yield _one(
            "sllm_start_time_seconds",
            "When the server started, in seconds since 1970.",
            psutil.Process(server_pid()).create_time(),
        )
        yield from self._database()
        yield from self._processes()

    def _database(self) -> Iterator[Metric]:
        kind, status = self._state.kind, self._state.database
        for name, text, value in (
            ("sllm_database_up", "1 when the database can be read.", status != "unavailable"),
            ("sllm_database_writable", "1 when it could be written last time.", status == "ok"),
        ):
            family = GaugeMetricFamily(name, text, labels=["kind"])
            family.add_metric([kind], float(value))
            yield family

    def _processes(self) -> Iterator[Metric]:
        seen = [found for worker in self._workers if (found := looked_at(worker.pid)) is not None]
        yield _one("sllm_api_processes", "API workers that are alive.", len(seen))
        memory, files = sum(each[0] for each in seen), sum(each[2] for each in seen)
        yield _one("sllm_api_resident_memory_bytes", "Resident memory of all API workers.", memory)
        yield _one("sllm_api_open_fds", "Open file descriptors of all API workers.", files)


def build_info() -> Metric:
    """Versions of what this server is made of."""
    labels = ["version", "python", *LIBRARIES]
    family = GaugeMetricFamily(
        "sllm_build_info", "Always 1; the labels are versions.", None, labels
    )
    versions = [__version__, platform.python_version(), *map(_version, LIBRARIES)]
    family.add_metric(versions, 1.0)
    return family


def _version(package: str) -> str:
    """ "" where it is not installed under this name, as onnxruntime's GPU build."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return ""


def _one(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(name, text, float(value))
