"""The pages in a real browser without a network: those of files, and those that a server sends."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page

from app.docs.documents import operations, version_document
from app.docs.export import FOLDER
from app.docs.site import SITE
from app.versions import VERSIONS
from tests.docs.chromium import opened
from tests.docs.markdown import ROOT
from tests.support import Server

# What each of them makes of an operation.
OPERATIONS = {"swagger": ".opblock-summary-path", "redoc": "[data-section-id*='/operation/'] h2"}
COUNTS = {version.name: len(list(operations(version_document(version)))) for version in VERSIONS}
every_page = pytest.mark.parametrize("viewer", OPERATIONS)
every_version = pytest.mark.parametrize("version", COUNTS)


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    with opened() as page:
        yield page


def shown(page: Page, viewer: str, count: int) -> None:
    """Until all operations are there."""
    page.wait_for_function(
        "([selector, count]) => document.querySelectorAll(selector).length === count",
        arg=[OPERATIONS[viewer], count],
    )


@every_page
@every_version
def test_a_page_opens_from_the_file_system(page: Page, version: str, viewer: str) -> None:
    page.goto((ROOT / FOLDER / SITE / f"{version}.{viewer}.html").as_uri())
    shown(page, viewer, COUNTS[version])


def test_the_index_leads_to_every_page(page: Page) -> None:
    page.goto((ROOT / FOLDER / SITE / "index.html").as_uri())
    hrefs = page.eval_on_selector_all("a", "links => links.map(link => link.getAttribute('href'))")
    folder = ROOT / FOLDER / SITE
    assert {f"{version}.{viewer}.html" for version in COUNTS for viewer in OPERATIONS} <= {*hrefs}
    assert [href for href in hrefs if not (folder / href).exists()] == []


def test_an_example_that_was_run_is_shown(page: Page) -> None:
    page.goto((ROOT / FOLDER / SITE / "v1.swagger.html").as_uri())
    page.locator(".opblock-summary").first.click()
    page.locator(".responses-table").get_by_text("smollm2-135m-instruct").first.wait_for()
    assert page.get_by_role("button", name="Try it out").count() == 0


def test_a_site_that_was_put_elsewhere_opens(page: Page, published: Path) -> None:
    for viewer in OPERATIONS:
        page.goto((published / SITE / f"v3.{viewer}.html").as_uri())
        shown(page, viewer, COUNTS["v3"])


def test_a_page_without_its_assets_says_what_to_do(page: Page, tmp_path: Path) -> None:
    copy = tmp_path / "page.html"
    copy.write_bytes((ROOT / FOLDER / SITE / "v1.redoc.html").read_bytes())
    page.goto(copy.as_uri())
    assert "python export_static_docs.py FOLDER" in page.locator("#redoc").inner_text()


@pytest.mark.parametrize(
    ("path", "viewer", "version"),
    [("/docs", "swagger", None), ("/redoc", "redoc", None)]
    + [(f"/api/{version}/docs", "swagger", version) for version in COUNTS],
)
def test_a_page_of_the_server_opens(
    page: Page, scripted: Server, path: str, viewer: str, version: str | None
) -> None:
    everything = scripted.http.get("/openapi.json").json()
    count = COUNTS[version] if version else len(list(operations(everything)))
    page.goto(scripted.url + path)
    shown(page, viewer, count)
