"""Request and response schemas that v3 adds: templates, and chats with one."""
