"""Writes api_docs/: OpenAPI and Markdown of each version. For when they are meant to change."""

from app.docs.export import export_documents

if __name__ == "__main__":
    export_documents()
