"""OpenAPI documents, the pages that show them, and the lock on released versions."""

import json
import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from fastapi import APIRouter
from starlette.testclient import TestClient

from app.docs.documents import operations, version_document
from app.docs.export import FOLDER, as_text
from app.versions import VERSIONS, Version, describe, router_of
from tests.edge.small_app import VERSION, small_app

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def client() -> Iterator[TestClient]:
    with TestClient(small_app(), base_url="http://localhost") as client:
        yield client


@pytest.mark.parametrize("version", VERSIONS, ids=lambda version: version.name)
def test_a_version_does_not_change_by_accident(version: Version) -> None:
    kept = ROOT / FOLDER / f"{version.name}.openapi.json"
    made = as_text(version_document(version))
    assert made == kept.read_text(encoding="utf-8"), "meant to change? run: python export_docs.py"


@pytest.mark.parametrize("version", VERSIONS, ids=lambda version: version.name)
def test_everything_is_described(version: Version) -> None:
    document = version_document(version)
    assert document["openapi"].startswith("3.1")
    for operation in operations(document):
        assert operation["summary"]
        assert operation["description"]
        assert "500" in operation["responses"]
        assert ("415" in operation["responses"]) is ("requestBody" in operation)
    for schema in document["components"]["schemas"].values():
        for name, field in schema.get("properties", {}).items():
            assert "description" in field or "$ref" in field or "examples" in field, name


def test_later_versions_keep_earlier_routes() -> None:
    paths = [
        {path.removeprefix(version.path) for path in version_document(version)["paths"]}
        for version in VERSIONS
    ]
    for earlier, later in pairwise(paths):
        assert earlier <= later


def test_operation_ids_are_unique(client: TestClient) -> None:
    document = client.get("/openapi.json").json()
    ids = [operation["operationId"] for operation in operations(document)]
    assert ids
    assert len(ids) == len(set(ids))


def test_a_router_that_is_not_strict_is_refused() -> None:
    careless = APIRouter()
    careless.add_api_route("/x", lambda: None)
    with pytest.raises(TypeError, match="StrictRoute"):
        router_of(Version("v9", "", {"careless": careless}))


def test_the_overview_lists_every_endpoint() -> None:
    overview = describe(small_app(), [VERSION])
    [version] = overview["versions"]
    listed = {(endpoint["method"], endpoint["path"]) for endpoint in version["endpoints"]}
    documented = {
        (method.upper(), path)
        for path, item in version_document(VERSION)["paths"].items()
        for method in item
    }
    assert listed == documented


@pytest.mark.parametrize("path", ["/docs", "/redoc", "/api/v1/docs"])
def test_pages_need_no_network_and_no_inline_script(client: TestClient, path: str) -> None:
    page = client.get(path)
    assert page.status_code == 200
    assert "//" not in re.sub(r"<!DOCTYPE[^>]*>", "", page.text)
    assert not re.search(r"<script(?![^>]* src=)|\son\w+=|javascript:|<style", page.text)
    sources = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert len(sources) >= 4
    for source in sources:
        assert client.get(source).status_code == 200


def test_swagger_is_given_every_document(client: TestClient) -> None:
    page = client.get("/api/v1/docs").text
    assert 'data-selected="v1"' in page
    found = re.search(r'data-documents="([^"]+)"', page)
    assert found
    entries: list[dict[str, Any]] = json.loads(found[1].replace("&quot;", '"'))
    assert [client.get(entry["url"]).status_code for entry in entries] == [200, 200]


@pytest.mark.parametrize(
    "path", ["/docs/static/..%2fpages.py", "/docs/static/../pages.py", "/docs/static//etc/passwd"]
)
def test_only_assets_are_served(client: TestClient, path: str) -> None:
    assert client.get(path).status_code == 404


def test_the_assets_carry_their_licences() -> None:
    static = ROOT / "app" / "docs" / "static"
    for library in ("swagger-ui", "redoc"):
        assert (static / library / "LICENSE").stat().st_size > 500
