"""Writes the documents to files, where tests compare them with the code: OpenAPI as JSON, and
references in Markdown, English and Korean."""

import json
from pathlib import Path
from typing import Any

from app.docs.documents import version_document
from app.docs.examples.exchange import load
from app.docs.reference import LANGUAGES, page_name, reference
from app.versions import VERSIONS, Version

FOLDER = Path("api_docs")


def export_documents(folder: Path = FOLDER) -> list[Path]:
    """Write `vN.openapi.json`, `vN.md` and `vN.ko.md` of every version into `folder`; the files
    that were written."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for version in VERSIONS:
        for name, text in exported(version).items():
            path = folder / name
            path.write_text(text, encoding="utf-8")
            written.append(path)
    return written


def exported(version: Version) -> dict[str, str]:
    """The files of one version: text by name."""
    document, exchanges = version_document(version), load(version.name)
    pages = {
        page_name(version.name, language): reference(document, exchanges, language)
        for language in LANGUAGES
    }
    return {f"{version.name}.openapi.json": as_text(document)} | pages


def as_text(document: dict[str, Any]) -> str:
    """A document as it is kept: readable, and the same each time."""
    return json.dumps(document, ensure_ascii=False, indent=2) + "\n"
