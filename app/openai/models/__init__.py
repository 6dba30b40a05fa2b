"""The dialect's schemas: what OpenAI documents, and nothing that nobody does."""
