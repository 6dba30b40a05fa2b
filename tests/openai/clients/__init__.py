"""The real clients, each in a process of its own, against a running server."""
