"""The dialect's use cases, in domain types."""
