"""v2: v1, and the same answer streamed."""

from app import v1
from app.v2.routers import chat

FEATURES = v1.FEATURES | {"stream": chat.router}
