"""A version's reference for reading, in Markdown, made of its OpenAPI document."""

from app.docs.reference.pages import LANGUAGES, page_name, reference

__all__ = ["LANGUAGES", "page_name", "reference"]
