"""v2 routes."""
