"""Chats to measure with: no two share a beginning, so that no prefix cache helps anybody."""

from typing import Any

WORDS = 40
TOPICS = ("the sea", "a railway", "the moon", "an old clock", "a garden", "winter", "bread", "maps")
# The stand-in engine does what these words say: a long answer, 1 ms a token.
SCRIPT = "#words=400 #pace=1"


def messages(key: str, words: int = WORDS) -> list[dict[str, str]]:
    """A system prompt and a question that start with `key` and have about `words` words."""
    topic = TOPICS[sum(key.encode()) % len(TOPICS)]
    filler = " ".join(f"{key}{number:03d}" for number in range(max(0, words - WORDS)))
    return [
        {"role": "system", "content": f"{key} is your number. You tell long stories. {filler}"},
        {"role": "user", "content": f"{key}: tell me a very long story about {topic}. {SCRIPT}"},
    ]


def body(key: str, max_tokens: int, words: int = WORDS) -> dict[str, Any]:
    """Greedy, and every option that has a default named: both servers then do the same."""
    return {
        "messages": messages(key, words),
        "max_tokens": max_tokens,
        "temperature": 0,
        "top_k": 40,
        "top_p": 0.95,
        "min_p": 0.05,
        "repeat_penalty": 1.0,
        "presence_penalty": 0.0,
        "frequency_penalty": 0.0,
        "seed": 1,
    }
