"""The documents as a site of files: Swagger UI and ReDoc of each version, opened without a server
and without a network. Browsers let no page read files, so a document is a script here."""

import json
import os
import shutil
import sys
from collections.abc import Iterator
from html import escape
from pathlib import Path

from app.docs.documents import version_document
from app.docs.examples.exchange import load
from app.docs.export import FOLDER, export_documents
from app.docs.pages import STATIC
from app.docs.reference import LANGUAGES, page_name
from app.docs.reference.words import told
from app.docs.with_examples import with_examples
from app.versions import VERSIONS, Version

SITE = "site"
# As `pages.py` serves them, and the site's own.
ASSETS = ("swagger-ui", "redoc", "site", "redoc.css")


def export_site(folder: Path = FOLDER) -> list[Path]:
    """Write the site into `folder`/site; the files that were written.

    It uses the assets of this checkout, so that they are kept once.
    """
    return _write(folder, os.path.relpath(str(STATIC), (folder / SITE).resolve()))


def export_standalone(folder: Path) -> list[Path]:
    """The same and all other documents, with the assets, so that `folder` can be put anywhere."""
    written = export_documents(folder) + _write(folder, "assets")
    copy_assets(folder / SITE / "assets")
    return written


def _write(folder: Path, assets: str) -> list[Path]:
    (folder / SITE).mkdir(parents=True, exist_ok=True)
    written = []
    for name, text in site(assets).items():
        path = folder / SITE / name
        path.write_text(text, encoding="utf-8")
        written.append(path)
    return written


def copy_assets(folder: Path) -> None:
    """Swagger UI, ReDoc and the site's own scripts, with their licences."""
    folder.mkdir(exist_ok=True)
    for name in ASSETS:
        source = Path(str(STATIC / name))
        if source.is_dir():
            shutil.copytree(source, folder / name, dirs_exist_ok=True)
        else:
            shutil.copyfile(source, folder / name)


def site(assets: str) -> dict[str, str]:
    """Every file of the site: text by name. `assets` leads from them to Swagger UI and ReDoc."""
    files = {"index.html": _page("index", assets, versions="\n".join(_entries()))}
    for version in VERSIONS:
        name = version.name
        document = with_examples(version_document(version), load(name))
        told_once = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
        files[f"{name}.js"] = f"window.apiDocument = {told_once};\n"
        for viewer in ("swagger", "redoc"):
            files[f"{name}.{viewer}.html"] = _page(viewer, assets, version=name)
    return files


def _page(template: str, assets: str, **values: str) -> str:
    page = (STATIC / "site" / f"{template}.html").read_text(encoding="utf-8")
    page = page.replace("{assets}", escape(assets))
    for name, value in values.items():
        page = page.replace(f"{{{name}}}", value)
    return page


def _entries() -> Iterator[str]:
    for version in VERSIONS:
        cells = f"<td>{_summary(version)}</td><td>{_links(version)}</td>"
        yield f"<tr><th>{version.name}</th>{cells}</tr>"


def _summary(version: Version) -> str:
    lines = (
        f'<span lang="{language}">{escape(told(version.summary, language))}</span>'
        for language in LANGUAGES
    )
    return "<br>".join(lines)


def _links(version: Version) -> str:
    name = version.name
    links = {"Swagger UI": f"{name}.swagger.html", "ReDoc": f"{name}.redoc.html"}
    links |= {f"Markdown ({each})": f"../{page_name(name, each)}" for each in LANGUAGES}
    links["OpenAPI"] = f"../{name}.openapi.json"
    return " · ".join(f'<a href="{target}">{label}</a>' for label, target in links.items())


def main() -> None:
    """`export_static_docs.py [FOLDER]`."""
    arguments = sys.argv[1:]
    if len(arguments) > 1 or any(each.startswith("-") for each in arguments):
        sys.exit("usage: python export_static_docs.py [FOLDER]")
    if arguments:
        export_standalone(Path(arguments[0]))
    else:
        export_site()
