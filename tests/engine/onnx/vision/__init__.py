"""Models that see: families, features, and whole generations against transformers."""
