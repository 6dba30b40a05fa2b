"""Plain types and pure functions: true without HTTP, SQL or a model."""
