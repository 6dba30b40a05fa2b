"""Our server beside every peer that can be installed; `python -m benchmarks.compare`."""
