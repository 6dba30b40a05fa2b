"""Limits of the OpenAI dialect."""

from app.v1.models.messages import MOST_MESSAGES

__all__ = ["MOST_CHOICES", "MOST_MESSAGES", "MOST_PARTS", "MOST_PROMPTS", "MOST_TOOLS"]

# Answers to one request, written one after the other.
MOST_CHOICES = 8
MOST_PROMPTS = 32
MOST_TOOLS = 128
# Of one message's content.
MOST_PARTS = 1024
