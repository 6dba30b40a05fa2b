"""Request and response schemas of v5: fields, their documentation and limits."""
