"""Which engine answers, and whether it can: the only layer that knows how models are run."""
