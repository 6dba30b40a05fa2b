"""v4: v3, in conversations that the server keeps, and templates of the user's own."""

from app import v3
from app.v4.routers import chat, conversations, prompt, tokenize, transfer

FEATURES = v3.FEATURES | {
    "chat": chat.router,
    "stream": chat.stream_router,
    "regenerate": chat.regenerate_router,
    # Before `/conversations/{id}`, which would take `export` for an id.
    "transfer": transfer.router,
    "conversations": conversations.router,
    "prompt": prompt.router,
    "tokenize": tokenize.router,
}
