"""The state of the engines when a scrape looks: they are shared, so any worker can tell."""

from collections.abc import Iterable, Iterator
from typing import get_args

import psutil
from prometheus_client import Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from app.domain.model_info import ModelInfo, ModelStatus
from app.provider.model_provider import ModelHealth
from app.provider.observed import ObservedProvider

FACTS = ("model", "format", "architecture", "quantization", "device")


class EngineCollector(Collector):
    """Slots, queue, state, restarts, model and process of each engine."""

    def __init__(self, models: Iterable[ObservedProvider]) -> None:
        self._models = models

    def collect(self) -> Iterator[Metric]:
        health = {model.engine: model.health() for model in self._models}
        yield state(health)
        yield restarts(health)
        yield from loads(health)
        yield from facts(health)
        yield from processes(health)


Healths = dict[str, ModelHealth]


def gauge(name: str, text: str, values: dict[str, float]) -> GaugeMetricFamily:
    """One value for each engine."""
    family = GaugeMetricFamily(name, text, labels=["engine"])
    for engine, value in values.items():
        family.add_metric([engine], value)
    return family


def state(health: Healths) -> Metric:
    """1 for the state that an engine is in, 0 for the others."""
    family = GaugeMetricFamily(
        "sllm_engine_state",
        "1 for the state that the engine is in, 0 for the others.",
        labels=["engine", "state"],
    )
    for engine, each in health.items():
        for name in get_args(ModelStatus):
            family.add_metric([engine, name], float(each.status == name))
    return family


def restarts(health: Healths) -> Metric:
    """Counted by whichever worker watches the engine, known to all."""
    family = CounterMetricFamily(
        "sllm_engine_restarts_total",
        "Times that an engine process ended and had to be started again.",
        labels=["engine"],
    )
    for engine, each in health.items():
        family.add_metric([engine], float(each.restarts))
    return family


def loads(health: Healths) -> Iterator[Metric]:
    """How busy the engines are."""
    total = {engine: float(each.info.slots) for engine, each in health.items() if each.info}
    busy = {engine: float(each.busy) for engine, each in health.items() if each.info}
    waiting = {engine: float(each.waiting) for engine, each in health.items() if each.info}
    limit = {engine: float(each.limit) for engine, each in health.items() if each.info}
    yield gauge("sllm_slots", "Generations that can run at the same time.", total)
    yield gauge("sllm_slots_busy", "Generations that run now.", busy)
    yield gauge("sllm_queue_depth", "Generations that wait for a slot.", waiting)
    yield gauge("sllm_queue_limit", "Generations that may wait at most (QUEUE_LIMIT).", limit)
    threads = {engine: float(each.threads) for engine, each in health.items() if each.info}
    yield gauge("sllm_engine_threads", "Threads that compute on the CPU now.", threads)


def facts(health: Healths) -> Iterator[Metric]:
    """What is loaded."""
    infos = {engine: each.info for engine, each in health.items() if each.info}
    family = GaugeMetricFamily(
        "sllm_model_info", "Always 1; the labels say what is loaded.", labels=["engine", *FACTS]
    )
    for engine, info in infos.items():
        family.add_metric([engine, *_facts(info)], 1.0)
    yield family
    window = {engine: float(info.context_length) for engine, info in infos.items()}
    yield gauge("sllm_context_window_tokens", "Tokens of one request at most.", window)


def _facts(info: ModelInfo) -> list[str]:
    return [info.id, info.format, info.architecture, info.quantization, info.device]


def processes(health: Healths) -> Iterator[Metric]:
    """Memory, processor time and open files of the engine processes."""
    found = {engine: looked_at(each.pid) for engine, each in health.items() if each.pid}
    alive = {engine: seen for engine, seen in found.items() if seen is not None}
    yield gauge(
        "sllm_engine_resident_memory_bytes",
        "Resident memory of the engine process, mapped weights included.",
        {engine: seen[0] for engine, seen in alive.items()},
    )
    cpu = CounterMetricFamily(
        "sllm_engine_cpu_seconds_total",
        "Processor seconds of the engine process; a new one begins at 0.",
        labels=["engine"],
    )
    for engine, seen in alive.items():
        cpu.add_metric([engine], seen[1])
    yield cpu
    open_files = {engine: seen[2] for engine, seen in alive.items()}
    yield gauge("sllm_engine_open_fds", "Open file descriptors of the engine process.", open_files)


def looked_at(pid: int) -> tuple[float, float, float] | None:
    """Resident bytes, processor seconds, open files; None for a process that has just ended."""
    try:
        process = psutil.Process(pid)
        with process.oneshot():
            times = process.cpu_times()
            used = float(times.user + times.system)
            return float(process.memory_info().rss), used, float(process.num_fds())
    except psutil.Error:
        return None
