"""A scrape as Prometheus reads it."""

import httpx
from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families

from tests.support import PATIENCE, Server


class Page:
    """The samples of one scrape; a sample that is not there counts as 0."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.families: list[Metric] = list(text_string_to_metric_families(text))
        self._values = {
            (sample.name, frozenset(sample.labels.items())): sample.value
            for family in self.families
            for sample in family.samples
        }

    def value(self, name: str, **labels: str) -> float:
        return self._values.get((name, frozenset(labels.items())), 0.0)

    def labels(self, name: str) -> list[dict[str, str]]:
        """Of every sample of that name."""
        return [dict(pairs) for known, pairs in self._values if known == name]

    def names(self) -> set[str]:
        """Of the families, counters with their suffix."""
        return {exported(family) for family in self.families}


def exported(family: Metric) -> str:
    """A family's name as it is written and asked for."""
    return f"{family.name}_total" if family.type == "counter" else family.name


def scrape(server: Server) -> Page:
    """By a connection of its own, so any worker may answer."""
    headers = dict(server.http.headers)
    answer = httpx.get(f"{server.url}/metrics", headers=headers, timeout=PATIENCE)
    assert answer.status_code == 200, answer.text
    return Page(answer.text)


class Since:
    """What has been counted since this was made."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._before = scrape(server)

    def value(self, name: str, **labels: str) -> float:
        return scrape(self._server).value(name, **labels) - self._before.value(name, **labels)
