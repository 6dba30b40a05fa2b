"""Writes the OpenAPI documents to files, where a test compares them with the code."""

import json
from pathlib import Path
from typing import Any

from app.docs.documents import version_document
from app.versions import VERSIONS

FOLDER = Path("api_docs")


def export_documents(folder: Path = FOLDER) -> list[Path]:
    """Write `vN.openapi.json` of every version into `folder`; the files that were written."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for version in VERSIONS:
        path = folder / f"{version.name}.openapi.json"
        path.write_text(as_text(version_document(version)), encoding="utf-8")
        written.append(path)
    return written


def as_text(document: dict[str, Any]) -> str:
    """A document as it is kept: readable, and the same each time."""
    return json.dumps(document, ensure_ascii=False, indent=2) + "\n"
