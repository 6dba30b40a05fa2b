"""The documents: OpenAPI for each version and for all of it, and pages that need no network."""
