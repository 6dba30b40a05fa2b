"""From messages to token ids: what transformers makes of them with the same tokenizer."""

from typing import Any

import pytest

from app.domain.messages import Message
from app.engine.backends.chat_prompt import ChatPrompt, TextEngine
from tests.conformance.columns import AnyBackend, Column
from tests.conformance.conftest import Tell
from tests.conformance.prompts import APART, CONVERSATIONS, SPELLINGS, TEXTS
from tests.support import Server

pytestmark = pytest.mark.weights


def texts_of(backend: AnyBackend) -> TextEngine:
    assert isinstance(backend._prompt, ChatPrompt)
    return backend._prompt._client


def plain(messages: list[Message]) -> list[dict[str, str]]:
    return [{"role": message.role, "content": message.content} for message in messages]


def rendered(reference: Any, messages: list[Message]) -> str:
    text: str = reference.apply_chat_template(
        plain(messages), add_generation_prompt=True, tokenize=False
    )
    return text


def ids(reference: Any, text: str) -> list[int]:
    found: list[int] = reference(text, add_special_tokens=False)["input_ids"]
    return found


def ids_as_text(reference: Any, text: str) -> list[int]:
    """Spellings of control tokens are text like any other."""
    found: list[int] = reference(text, add_special_tokens=False, split_special_tokens=True)[
        "input_ids"
    ]
    return found


async def test_chat_template_text(backend: AnyBackend, reference: Any) -> None:
    """The chat template renders, character by character, what transformers renders."""
    for name, messages in CONVERSATIONS.items():
        text = await texts_of(backend).apply_template(plain(messages), [])
        assert text == rendered(reference, messages), name


def told(column: Column, apart: set[str], count: int) -> str:
    """A cell; what is apart must be what is known to be."""
    assert apart == APART.get(column.name, set())
    return f"{count - len(apart)}/{count}"


async def test_prompts_that_grow_are_the_same_tokens_when_remembered(backend: AnyBackend) -> None:
    """Each turn of a conversation has the tokens that it has when nothing of it is remembered."""
    for name, messages in CONVERSATIONS.items():
        for count in range(1, len(messages) + 1):
            said = messages[:count]
            if said[-1].role == "user":
                assert await backend.prompt(said, owner="a") == await backend.prompt(said), name


async def test_prompt_tokens(
    column: Column, backend: AnyBackend, reference: Any, tell: Tell
) -> None:
    """Conversations become the token ids that transformers makes of them."""
    apart = {
        name
        for name, messages in CONVERSATIONS.items()
        if await backend.prompt(messages) != ids(reference, rendered(reference, messages))
    }
    tell(told(column, apart, len(CONVERSATIONS)))


async def test_tokens_of_a_text(
    column: Column, backend: AnyBackend, reference: Any, tell: Tell
) -> None:
    """A plain text becomes transformers' token ids."""
    apart = {
        name
        for name, text in TEXTS.items()
        if await backend.tokens(text) != ids_as_text(reference, text)
    }
    tell(told(column, apart, len(TEXTS)))


async def test_control_tokens_stay_text(backend: AnyBackend, reference: Any) -> None:
    """A message that spells control tokens cannot leave its place in the template."""
    mark = "\u241f"
    for spelling in SPELLINGS:
        before, after = rendered(reference, [Message("user", mark)]).split(mark)
        opened, control, role = before.rpartition("<|im_start|>")
        expected = (
            ids(reference, opened + control)
            + ids_as_text(reference, role + spelling)
            + ids(reference, after)
        )
        assert await backend.prompt([Message("user", spelling)]) == expected, spelling
        assert await backend.tokens(spelling) == ids_as_text(reference, spelling), spelling


def test_prompt_tokens_of_a_request(server: Server, reference: Any) -> None:
    """`usage.prompt_tokens` is the length of transformers' prompt."""
    for name in ("English", "Korean", "joined emoji", "blanks"):
        message = TEXTS[name]
        usage = server.chat(message, max_tokens=1).json()["usage"]
        expected = ids(reference, rendered(reference, [Message("user", message)]))
        assert usage["prompt_tokens"] == len(expected), name
