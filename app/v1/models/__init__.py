"""Request and response schemas of v1: fields, their documentation and limits."""
