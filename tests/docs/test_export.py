"""What is exported: the files of this checkout are what the code gives, in both languages."""

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from app.docs.documents import METHODS, version_document
from app.docs.examples.exchange import load
from app.docs.examples.scenario import SCENARIOS
from app.docs.export import FOLDER, exported
from app.docs.reference.words import is_told, translated, words
from app.docs.site import SITE, site
from app.versions import VERSIONS, Version
from tests.docs.conftest import run_program
from tests.docs.markdown import ROOT, anchors, links

every_version = pytest.mark.parametrize("version", VERSIONS, ids=lambda version: version.name)
# Said by FastAPI where nothing is said.
UNSAID = "Successful Response"


@every_version
def test_the_files_of_a_version_are_those_of_the_code(version: Version) -> None:
    for name, text in exported(version).items():
        kept = (ROOT / FOLDER / name).read_text(encoding="utf-8")
        assert text == kept, "meant to change? run: python export_docs.py"


def test_the_site_is_that_of_the_code() -> None:
    files = site("../../app/docs/static")
    folder = ROOT / FOLDER / SITE
    assert {path.name for path in folder.iterdir()} == set(files)
    for name, text in files.items():
        kept = (folder / name).read_text(encoding="utf-8")
        assert text == kept, "meant to change? run: python export_static_docs.py"


def test_nothing_else_lies_among_the_documents() -> None:
    made = {name for version in VERSIONS for name in exported(version)}
    assert {path.name for path in (ROOT / FOLDER).iterdir()} == made | {SITE}


def test_what_is_committed_is_small() -> None:
    files = [path for path in (ROOT / FOLDER).rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) < 5_000_000


def texts(value: Any) -> Iterator[str]:
    """Every description of a document, but those of errors, which have their own texts."""
    if isinstance(value, dict):
        told = value.get("description")
        if isinstance(told, str) and not told.startswith("- `"):
            yield told
        for each in value.values():
            yield from texts(each)
    elif isinstance(value, list):
        for each in value:
            yield from texts(each)


def said_by(version: Version) -> set[str]:
    """Whatever a version's reference says in words of the code."""
    document = version_document(version)
    said = {*texts(document), version.summary} - {UNSAID}
    said |= {step.title for step in SCENARIOS[version.name]}
    for item in document["paths"].values():
        said |= {item[method]["summary"] for method in METHODS if method in item}
    return said


@every_version
def test_whatever_a_version_says_is_said_in_korean_too(version: Version) -> None:
    missing = sorted(text for text in said_by(version) if not is_told(text, "ko"))
    assert missing == [], "translate them in app/docs/reference/texts.json"


def test_nothing_is_translated_that_nobody_says() -> None:
    said = set().union(*map(said_by, VERSIONS))
    assert sorted(translated("ko") - said) == []


def test_the_pages_have_the_same_words_in_both_languages() -> None:
    assert words("en").keys() == words("ko").keys()


@every_version
def test_every_operation_has_an_example_that_went_well(version: Version) -> None:
    shown = {
        (exchange.method, exchange.route)
        for exchange in load(version.name)
        if exchange.answered.status < 300
    }
    paths = version_document(version)["paths"]
    there = {(method.upper(), path) for path, item in paths.items() for method in item}
    assert shown == there


@every_version
@pytest.mark.parametrize("language", ["", ".ko"])
def test_links_within_a_reference_lead_somewhere(version: Version, language: str) -> None:
    page = ROOT / FOLDER / f"{version.name}{language}.md"
    here = anchors(page)
    assert [link for link in links(page) if link[0] == "#" and link[1:] not in here] == []
    away = [link for link in links(page) if link[0] != "#" and "://" not in link]
    assert [link for link in away if not (page.parent / link).exists()] == []


def test_the_exporter_writes_them(tmp_path: Path) -> None:
    run_program("export_docs.py", tmp_path)
    written = {path.name: path.read_text() for path in (tmp_path / FOLDER).glob("v*.*")}
    assert written == {
        path.name: path.read_text(encoding="utf-8") for path in (ROOT / FOLDER).glob("v*.*")
    }


def test_its_other_name_is_the_same_program() -> None:
    def program(name: str) -> list[str]:
        return [ast.dump(node) for node in ast.parse((ROOT / name).read_bytes()).body[2:]]

    assert program("export_docs_fixed.py") == program("export_docs.py") != []
    assert "from export_docs import" in (ROOT / "export_docs_fixed.py").read_text()


def test_the_static_exporter_takes_one_folder(tmp_path: Path) -> None:
    wrong = [sys.executable, str(ROOT / "export_static_docs.py"), "--folder"]
    done = subprocess.run(wrong, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (1, "usage: python export_static_docs.py [FOLDER]\n")


def test_a_site_that_stands_alone_has_the_very_assets(published: Path) -> None:
    static = ROOT / "app" / "docs" / "static"
    for name in ("swagger-ui/swagger-ui-bundle.js", "redoc/redoc.standalone.js", "redoc/LICENSE"):
        assert (published / SITE / "assets" / name).read_bytes() == (static / name).read_bytes()
    assert "app/docs" not in (published / SITE / "v1.redoc.html").read_text()


@every_version
def test_a_document_of_the_site_is_the_version_s_with_examples(version: Version) -> None:
    script = site("")[f"{version.name}.js"]
    document = json.loads(script.removeprefix("window.apiDocument = ").removesuffix(";\n"))
    assert document["paths"].keys() == version_document(version)["paths"].keys()
    shown = document["paths"][f"{version.path}/chat"]["post"]["responses"]["200"]["content"]
    assert shown["application/json"]["examples"]
