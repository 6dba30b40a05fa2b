"""v5 use cases."""
