"""Saving and restoring llama.cpp's slots. It takes names within one folder of its own; a link of
that name leads it to the file that is meant."""

from importlib.metadata import version
from pathlib import Path
from typing import Final

from app.engine.backends.llama_client import LlamaClient, LlamaRefused

# The folder, of the engine's directory.
SLOTS: Final = "slots"


def kv_format() -> str:
    """llama.cpp promises nothing about files of other builds."""
    return f"llama.cpp {version('xllamacpp')} f16"


class SlotFiles:
    """Slots of the server behind `client`, whose folder for them is in `directory`."""

    def __init__(self, client: LlamaClient, directory: Path) -> None:
        self._client = client
        self._folder = directory / SLOTS

    async def save(self, slot: int, file: Path) -> int:
        """How many tokens were written; 0 where it was refused. Raises BackendDied."""
        answer = await self._act("save", slot, file)
        return int(answer.get("n_saved", 0))

    async def restore(self, slot: int, file: Path) -> bool:
        """Whether the slot now holds what the file does. Raises BackendDied."""
        answer = await self._act("restore", slot, file)
        return int(answer.get("n_restored", 0)) > 0

    async def _act(self, action: str, slot: int, file: Path) -> dict[str, int]:
        link = self._folder / f"{slot}.kv"
        link.unlink(missing_ok=True)
        link.symlink_to(file)
        try:
            answer: dict[str, int] = await self._client.post(
                f"/slots/{slot}?action={action}", {"filename": link.name}
            )
        except LlamaRefused:
            return {}
        finally:
            link.unlink(missing_ok=True)
        return answer
