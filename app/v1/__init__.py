"""v1: one message, one answer."""

from app.v1.routers import chat

FEATURES = {"chat": chat.router}
