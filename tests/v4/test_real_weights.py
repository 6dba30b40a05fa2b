"""A conversation with real weights: the cache makes the next turn cheap, and nothing is lost."""

import pytest

from tests.support import Server
from tests.v4.support import again, branch, say, say_streamed

pytestmark = pytest.mark.weights

SYSTEM = "You are a patient teacher. " + "Explain every step in plain words. " * 20


def test_the_next_turn_reads_only_what_is_new(smollm2_server: Server) -> None:
    first = say(
        smollm2_server,
        "What is a prime number?",
        system_prompt=SYSTEM,
        temperature=0,
        max_tokens=40,
    )
    second = say(
        smollm2_server,
        "Name three of them.",
        conversation_id=first["conversation_id"],
        temperature=0,
        max_tokens=20,
    )
    assert second["usage"]["prompt_tokens"] > first["usage"]["prompt_tokens"]
    # All but the tail of the first turn, which the template frames in another way.
    assert second["usage"]["cached_tokens"] >= first["usage"]["prompt_tokens"]
    assert len(branch(smollm2_server, first["conversation_id"])) == 4


def test_a_conversation_is_what_v1_makes_of_its_history(smollm2_server: Server) -> None:
    first = say(smollm2_server, "Hello, I am Minji.", temperature=0, max_tokens=24)
    second = say(
        smollm2_server,
        "What is my name?",
        conversation_id=first["conversation_id"],
        temperature=0,
        max_tokens=24,
    )
    history = [
        {"role": "user", "content": "Hello, I am Minji."},
        {"role": "assistant", "content": first["response"]},
    ]
    body = {"message": "What is my name?", "history": history, "temperature": 0, "max_tokens": 24}
    plain = smollm2_server.http.post("/api/v1/chat", json=body).json()
    assert plain["usage"]["prompt_tokens"] == second["usage"]["prompt_tokens"]
    assert plain["response"] == second["response"]


def test_korean_in_a_stream_and_again(smollm2_server: Server) -> None:
    stream = say_streamed(smollm2_server, "대한민국의 수도는?", temperature=0, max_tokens=24)
    done = stream[-1][1]
    text = "".join(data["text"] for name, data in stream if name == "token")
    assert text == done["response"]
    assert "�" not in text
    other = again(
        smollm2_server, done["conversation_id"], done["message_id"], temperature=0, max_tokens=24
    ).json()
    assert other["response"] == text
    assert other["usage"]["cached_tokens"] > 0
