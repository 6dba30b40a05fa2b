"""v5 through HTTP, on the scripted engine that sees."""
