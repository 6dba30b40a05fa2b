"""Measurements of the server; each module with a `main` runs alone and prints one table."""
