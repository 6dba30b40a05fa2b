"""Caches that outlive their slot."""
