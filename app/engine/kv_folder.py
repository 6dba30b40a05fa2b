"""Where computed caches of conversations are kept, and what their files are called, for those who
never look into them: they go with the conversation."""

import hashlib
from pathlib import Path
from typing import Final

# Of DATA_DIR: `<weights>/<owner>-<conversation>.{kv,json}`.
KV_CACHE: Final = "kv-cache"
ROWS, ABOUT, PART = ".kv", ".json", ".part"


def owner_mark(owner: str) -> str:
    """The beginning of the names of all that is one tenant's."""
    return hashlib.sha256(owner.encode()).hexdigest()[:16]


def entry_name(owner: str, conversation: str) -> str:
    """The name of a conversation's files, without their endings."""
    return f"{owner_mark(owner)}-{hashlib.sha256(conversation.encode()).hexdigest()[:32]}"


def forget(folder: Path, owner: str, conversation: str | None) -> None:
    """Delete what is kept of a conversation, of all weights; None means all of `owner`'s."""
    name = f"{owner_mark(owner)}-*" if conversation is None else entry_name(owner, conversation)
    for path in folder.glob(f"*/{name}.*"):
        path.unlink(missing_ok=True)
