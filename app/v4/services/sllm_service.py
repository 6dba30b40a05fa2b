"""What can be asked of the model beside an answer: how many tokens something takes."""

from dataclasses import dataclass

from app.domain.messages import Message
from app.provider.model_provider import ModelProvider


@dataclass(frozen=True)
class TokenCount:
    """Tokens, and how many of them one request may have, its answer included."""

    tokens: int
    window: int


class SllmService:
    """Questions to one model. Every method raises SllmError when it cannot answer now."""

    def __init__(self, model: ModelProvider) -> None:
        self._model = model

    async def count_text(self, text: str) -> TokenCount:
        """Tokens of `text` alone, as the weights' tokenizer cuts it."""
        window = (await self._model.info()).context_length
        return TokenCount(await self._model.count(text=text), window)

    async def count_messages(self, messages: tuple[Message, ...]) -> TokenCount:
        """Prompt tokens of a chat with these messages, framed by the model's chat template."""
        window = (await self._model.info()).context_length
        return TokenCount(await self._model.count(messages=messages), window)
