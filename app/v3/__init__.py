"""v3: v2, and prompt templates."""

from app import v2
from app.v3.routers import chat, prompt

FEATURES = v2.FEATURES | {
    "chat": chat.router,
    "stream": chat.stream_router,
    "prompt": prompt.router,
}
