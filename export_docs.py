"""Writes api_docs/vN.openapi.json: run it when a version's document is meant to change."""

from app.docs.export import export_documents

if __name__ == "__main__":
    export_documents()
