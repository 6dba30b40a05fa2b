"""v4 schemas."""
