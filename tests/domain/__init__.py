"""Rules that are true without HTTP, SQL or a model."""
