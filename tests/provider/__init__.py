"""The layer that chooses engines."""
