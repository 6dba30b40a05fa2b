"""The same as export_docs.py, under the name that its first users know."""

from export_docs import export_documents

if __name__ == "__main__":
    export_documents()
