"""A scrape: everything of the whole server, whichever worker answers, as Prometheus reads it."""

from collections.abc import Iterable
from pathlib import Path

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead
from prometheus_client.openmetrics import exposition as openmetrics

from app.metrics import shared
from app.metrics.engines import EngineCollector
from app.metrics.generations import GenerationMetrics
from app.metrics.instruments import Instruments
from app.metrics.requests import RequestMetrics
from app.metrics.server import ServerCollector
from app.metrics.state import ServerState
from app.provider.observed import ObservedProvider

OPENMETRICS = "application/openmetrics-text"


class Metrics:
    """The metrics of this worker, and what all workers have counted in `directory`."""

    def __init__(self, directory: Path | None, engines: Iterable[str]) -> None:
        self.instruments = Instruments()
        self.requests = RequestMetrics(self.instruments)
        self.generations = GenerationMetrics(self.instruments, engines)
        self._directory = directory

    def scrape(
        self, models: Iterable[ObservedProvider], state: ServerState, accept: str
    ) -> tuple[bytes, str]:
        """The page and its media type. Reads files, so it is not for an event loop."""
        self.requests.count_time()
        registry = CollectorRegistry()
        workers = list(shared.processes(self._directory))
        if self._directory is None:
            registry.register(self.instruments.registry)
        else:
            for pid in shared.dead(self._directory, {worker.pid for worker in workers}):
                mark_process_dead(pid, str(self._directory))
            MultiProcessCollector(registry, str(self._directory))
        registry.register(ServerCollector(state, workers))
        registry.register(EngineCollector(models))
        # The library's own negotiation would take versions from the client and may raise.
        if OPENMETRICS in accept:
            return openmetrics.generate_latest(registry), openmetrics.CONTENT_TYPE_LATEST
        return generate_latest(registry), CONTENT_TYPE_PLAIN_0_0_4
