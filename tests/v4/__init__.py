"""Conversations and users' templates, through HTTP."""
