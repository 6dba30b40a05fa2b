"""Alembic's scripts: `versions/` holds one file for each step of the schema."""
