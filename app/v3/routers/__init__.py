"""v3 routes."""
