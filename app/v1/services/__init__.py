"""v1 use cases."""
