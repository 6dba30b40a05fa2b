"""Images from outside: told apart, decoded in a process of their own, kept by content, fetched."""
