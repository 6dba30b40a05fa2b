"""The dialect's routes."""
