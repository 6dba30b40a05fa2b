"""What `GET /metrics` shows: how it is counted, shared between workers, and written."""
