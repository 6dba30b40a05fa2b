"""What is shipped for operators names only what the server has."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from app.config import Settings
from tests.metrics.scrape import scrape
from tests.support import ROOT, Server

DEPLOY = ROOT / "deploy"
DASHBOARD = DEPLOY / "grafana" / "sllm.json"
NAME = re.compile(r"\bsllm_[a-z_]+")
PARTS = re.compile(r"_(?:bucket|sum|count)$")


def panels() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(DASHBOARD.read_text())["panels"]
    return [panel for panel in found if panel["type"] != "row"]


def asked_of_metrics() -> set[str]:
    """Every metric of the dashboard, the alerts and the documents' table."""
    alerts = (DEPLOY / "prometheus" / "alerts.yml").read_text()
    rules = "".join(re.findall(r"expr: (.*)", alerts))
    queries = " ".join(target["expr"] for panel in panels() for target in panel["targets"])
    return set(NAME.findall(rules + queries))


def described() -> set[str]:
    return set(re.findall(r"^\| `(sllm_[a-z_]+)`", OPERATIONS.read_text(), re.MULTILINE))


OPERATIONS = ROOT / "docs" / "operations.md"


def test_dashboard_and_alerts_ask_for_metrics_that_are_there(scripted: Server) -> None:
    scripted.chat("for a count")
    scripted.http.post("/api/v1/chat", json={})
    there = scrape(scripted).names()
    asked = {PARTS.sub("", name) for name in asked_of_metrics()}
    assert len(asked) > 15
    assert asked <= there


def test_every_metric_is_described(scripted: Server) -> None:
    scripted.chat("for a count")
    scripted.http.post("/api/v1/chat", json={})
    there = {name for name in scrape(scripted).names() if name.startswith("sllm_")}
    assert there == described()


def test_panels_lie_beside_each_other() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in panels():
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken, panel["title"]
        assert place["x"] + place["w"] <= 24
        taken |= cells


@pytest.mark.parametrize("name", ["compose.yaml", "Dockerfile", "deploy/sllm.service"])
def test_settings_are_the_servers(name: str) -> None:
    known = {field.upper() for field in Settings.model_fields}
    theirs = {"PATH", "PYTHONPATH", "PYTHONUNBUFFERED", "XDG_RUNTIME_DIR", "XLLAMACPP_INDEX"}
    theirs |= {"BASE", "CUDA", "OTEL", "PIP_NO_CACHE_DIR", "PIP_DISABLE_PIP_VERSION_CHECK"}
    theirs |= {"POSTGRES_USER", "POSTGRES_DB", "POSTGRES_PASSWORD"}
    used = set(re.findall(r"\b([A-Z][A-Z_]{3,})(?==|: )", (ROOT / name).read_text()))
    assert used & known
    assert used - known - theirs - STANZAS == set()


STANZAS = {"FROM", "HEALTHCHECK", "ENTRYPOINT"}


def test_what_the_image_copies_is_sent_to_the_build() -> None:
    dockerfile = (ROOT / "Dockerfile").read_text()
    copied = re.findall(r"^COPY (?!--from)(.*) \S+$", dockerfile, re.MULTILINE)
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    sent = {line[1:] for line in lines if line.startswith("!")}
    wanted = {source for line in copied for source in line.split()}
    assert wanted == sent
    assert all((ROOT / source).exists() for source in wanted)


def test_the_image_runs_as_nobody_and_says_whether_it_lives() -> None:
    text = (ROOT / "Dockerfile").read_text()
    assert re.search(r"^USER 10001:10001$", text, re.MULTILINE)
    assert "/health/live" in text
    assert text.rindex("USER ") < text.rindex("ENTRYPOINT ")


def files_of(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def test_no_file_of_operations_names_a_registry() -> None:
    words = "\n".join(path.read_text() for path in [*files_of(DEPLOY), ROOT / "compose.yaml"])
    assert not re.search(r"\b(?:docker\.io|ghcr\.io|quay\.io|nvcr\.io)\b", words)
