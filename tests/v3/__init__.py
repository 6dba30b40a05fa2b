"""v3 through HTTP: templates, and chats with one."""
