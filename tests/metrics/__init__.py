"""What `GET /metrics` shows."""
