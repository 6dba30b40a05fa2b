"""v4 use cases."""
