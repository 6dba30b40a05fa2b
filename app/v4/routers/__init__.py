"""v4 routes."""
