"""Requests that nobody means well, as data, and the applications they are sent to."""
