"""v3 use cases."""
