"""Log records in both shapes, of every process."""
