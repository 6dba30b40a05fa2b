"""Which models this server has, and which of them answers a request."""

from msgspec import Struct

from app.domain.errors import SllmError
from app.provider.model_provider import ModelProvider


class Served(Struct, frozen=True):
    """A model that answers now; `sees` images."""

    id: str
    sees: bool


class Models:
    """The model of texts and the one that sees."""

    def __init__(self, text: ModelProvider, vision: ModelProvider) -> None:
        self._text, self._vision = text, vision

    def list(self) -> list[Served]:
        """Those that are ready, each once."""
        found: dict[str, bool] = {}
        for provider, sees in ((self._text, False), (self._vision, True)):
            health = provider.health()
            if health.status == "ready" and health.id is not None:
                found[health.id] = found.get(health.id, False) or sees
        return [Served(id_, sees) for id_, sees in found.items()]

    def get(self, id_: str) -> Served:
        """Raises SllmError `not_found`."""
        for served in self.list():
            if served.id == id_:
                return served
        raise self._unknown()

    @property
    def sees(self) -> bool:
        """Whether one of them is there to see."""
        return self._vision.health().status != "not_configured"

    async def find(self, id_: str | None, sees: bool) -> ModelProvider:
        """The provider of `id_`, or of texts; questions with images go to the model that sees,
        whichever of the two is named. Raises SllmError `not_found`, or why the model cannot
        answer now."""
        text, vision = self._text.health().id, self._vision.health().id
        if id_ is None or id_ == text:
            return self._vision if sees else self._text
        if id_ == vision:
            return self._vision
        # One that is not there yet may be the one that is meant.
        await self._text.info()
        if self._vision.health().status == "loading":
            await self._vision.info()
        raise self._unknown()

    def _unknown(self) -> SllmError:
        known = ", ".join(served.id for served in self.list()) or "-"
        return SllmError("not_found", "openai_model_unknown", param="model", models=known)
