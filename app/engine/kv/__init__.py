"""KV caches that outlive their slot: kept in files, found by their tokens, brought back."""
