"""Tests of conversations and templates on disk, each on SQLite and on PostgreSQL."""
