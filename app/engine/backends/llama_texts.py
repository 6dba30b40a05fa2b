"""Texts of GGUF weights: llama.cpp tokenizes and renders; prompts with tools are rendered by our
own sandbox, since llama.cpp would make grammars of whatever schemas a client sends.
"""

import asyncio
from typing import Any

from app.engine.backends.base import LoadError
from app.engine.backends.chat_prompt import TemplateRefused
from app.engine.backends.llama_client import LlamaClient
from app.engine.backends.tool_prompt import knows_tools, opens_thoughts
from app.engine.onnx.chat_template import ChatTemplate
from app.engine.spec import EngineSpec


class LlamaTexts:
    """A TextEngine. `tools` and `thinks` are what the weights' template is seen to do."""

    def __init__(self, client: LlamaClient, spec: EngineSpec) -> None:
        self._client = client
        self._bos = spec.special_tokens.get("bos_token", "")
        self._template = _template(spec)
        self._rendering = asyncio.Lock()
        self.tools = knows_tools(self._template, TemplateRefused)
        self.thinks = opens_thoughts(self._template, TemplateRefused)

    async def tokenize(
        self, text: str, *, parse_special: bool, add_special: bool = False
    ) -> list[int]:
        return await self._client.tokenize(
            text, parse_special=parse_special, add_special=add_special
        )

    async def apply_template(
        self, messages: list[dict[str, Any]], tools: list[dict[str, Any]]
    ) -> str:
        if self._template is None or not (tools or any(map(_of_tools, messages))):
            return await self._client.apply_template(messages)
        async with self._rendering:
            text = await asyncio.to_thread(self._template.render, messages, tools)
        return await self._without_bos(text)

    async def _without_bos(self, text: str) -> str:
        """Where the vocabulary puts the token there itself, as llama.cpp's own rendering does."""
        if not self._bos or not text.startswith(self._bos):
            return text
        added = await self._client.tokenize("", parse_special=False, add_special=True)
        return text.removeprefix(self._bos) if added else text


def _of_tools(message: dict[str, Any]) -> bool:
    return message["role"] == "tool" or "tool_calls" in message


def _template(spec: EngineSpec) -> ChatTemplate | None:
    """None for one that only llama.cpp understands: then there are no tools."""
    if not spec.chat_template:
        return None
    try:
        return ChatTemplate(spec.chat_template, spec.special_tokens, spec.id)
    except LoadError:
        return None
