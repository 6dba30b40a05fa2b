"""Log records of every process of this server in one shape: text lines or JSON lines."""
