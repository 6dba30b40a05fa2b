"""What engines have computed of conversations, wherever it is kept: it goes with them."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

from app.engine.kv_folder import KV_CACHE, forget
from app.provider.model_provider import ModelProvider


class ConversationCaches:
    """In the engines that run, and on disk by any engine that ever did."""

    def __init__(self, data_dir: Path, models: Sequence[ModelProvider]) -> None:
        self._folder = data_dir / KV_CACHE
        self._models = models

    async def forget(self, owner: str, conversation: str | None) -> None:
        """Of one conversation; None: of all that `owner` has. Raises OSError."""
        # The engines first: what they write afterwards, they drop themselves.
        for model in self._models:
            model.forget(owner, conversation)
        await asyncio.to_thread(forget, self._folder, owner, conversation)
