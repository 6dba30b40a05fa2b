"""v5 routes."""
