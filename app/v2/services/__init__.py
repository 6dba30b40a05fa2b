"""v2 use cases."""
