"""What clients see of an answer: stop strings, characters, counts, seeds, streams, the cache."""

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.conformance.conftest import Tell
from tests.support import Server, events

pytestmark = pytest.mark.weights
QUESTION = "Why is the sky blue?"
# Each syllable is two or three tokens to SmolLM2.
KOREAN = {"type": "string", "pattern": "^[가-힣]{6}$"}
ENDLESS = {"type": "string", "minLength": 4000}
RANDOM: dict[str, Any] = {"temperature": 2.0, "top_k": 0, "top_p": 1.0, "min_p": 0.0}


def form(schema: dict[str, Any]) -> dict[str, Any]:
    return {"type": "json_schema", "json_schema": {"name": "x", "schema": schema}}


def answered(server: Server, message: str = QUESTION, **options: Any) -> dict[str, Any]:
    response = server.chat(message, **{"temperature": 0, "max_tokens": 16, **options})
    assert response.status_code == 200, response.text
    body: dict[str, Any] = response.json()
    return body


def settled(server: Server, **options: Any) -> str:
    """An answer to a prompt that is in the cache, as for all that are compared: quantised weights
    may answer otherwise where the prompt is computed anew."""
    answered(server, max_tokens=1)
    text: str = answered(server, **options)["response"]
    return text


def pieces(server: Server, **options: Any) -> tuple[list[str], dict[str, Any]]:
    """The texts of a stream, and its end."""
    told = events(server, QUESTION, **{"temperature": 0, "max_tokens": 16, **options})
    assert told[-1][0] == "done"
    return [data["text"] for name, data in told if name == "token"], told[-1][1]


def test_stop_strings(server: Server) -> None:
    """An answer ends before the first stop string, also one across tokens; nothing of it is
    sent; what only begins like one is."""
    whole = settled(server)
    stop = whole[20:33]
    for stops in ([stop], ["never", stop], [whole[30:40], stop], [stop[:1]]):
        cut = min(whole.index(each) for each in stops if each in whole)
        answer = answered(server, stop=stops)
        assert (answer["response"], answer["finish_reason"]) == (whole[:cut], "stop")
        texts, done = pieces(server, stop=stops)
        assert ("".join(texts), done["finish_reason"]) == (whole[:cut], "stop")
    almost = answered(server, stop=[whole[-3:] + "…"])
    assert (almost["response"], almost["finish_reason"]) == (whole, "length")


def test_a_stop_string_at_the_start(server: Server) -> None:
    """The answer is empty then, and its tokens are counted."""
    answer = answered(server, stop=[settled(server)[:4]])
    assert (answer["response"], answer["finish_reason"]) == ("", "stop")
    assert answer["usage"]["completion_tokens"] >= 1


def test_utf_8_is_never_cut(server: Server) -> None:
    """Wherever max_tokens ends an answer, there is no half of a character and no U+FFFD."""
    options = {"response_format": form(KOREAN)}
    whole = settled(server, max_tokens=60, **options)
    assert len(json.loads(whole)) == 6
    for length in range(1, 9):
        texts, done = pieces(server, max_tokens=length, **options)
        assert whole.startswith("".join(texts))
        assert done["response"] == "".join(texts)
        assert done["usage"]["completion_tokens"] == length


def test_bytes_that_are_no_text(server: Server) -> None:
    """Tokens drawn at random are seldom whole characters; U+FFFD is still not made up."""
    for seed in range(3):
        texts, done = pieces(server, seed=seed, max_tokens=40, **RANDOM)
        assert "\ufffd" not in "".join(texts) + done["response"]


def test_usage(server: Server) -> None:
    """`max_tokens` are counted when they end an answer, and the sum is right."""
    for length in (1, 2, 17):
        answer = answered(server, max_tokens=length)
        usage = answer["usage"]
        assert (answer["finish_reason"], usage["completion_tokens"]) == ("length", length)
        assert usage["total_tokens"] == usage["prompt_tokens"] + length
        assert 0 <= usage["cached_tokens"] < usage["prompt_tokens"]


def test_the_end_token_is_counted(server: Server, reference: Any) -> None:
    """An answer that ends by itself costs its text's tokens and the one that ended it."""
    short = ("What is 2+2?", "Say yes.", "Hi", "Name a colour.")
    answers = (answered(server, question, max_tokens=60) for question in short)
    answer = next(answer for answer in answers if answer["finish_reason"] == "stop")
    written = reference(answer["response"], add_special_tokens=False)["input_ids"]
    assert answer["usage"]["completion_tokens"] == len(written) + 1


def test_seeds(server: Server) -> None:
    """The same seed has the same answer, another one another."""
    options: dict[str, Any] = {"temperature": 1.5, "max_tokens": 10}
    answers = [settled(server, seed=seed, **options) for seed in (1, 2, 1, 2**32 - 1, 2**32 - 1)]
    assert answers[0] == answers[2]
    assert answers[3] == answers[4]
    assert len(set(answers)) == 3


def test_seeds_in_company(server: Server, tell: Tell) -> None:
    """Whether a seed also repeats beside other requests."""
    options: dict[str, Any] = {"temperature": 1.5, "max_tokens": 16, "seed": 1}
    alone = settled(server, **options)
    others = ("Name three colours.", "Count to ten.", "Write a poem about rain.")
    with ThreadPoolExecutor(4) as pool:
        beside = [pool.submit(answered, server, text, max_tokens=16) for text in others]
        mixed = answered(server, **options)["response"]
        assert all(each.result()["response"] for each in beside)
    tell("the same" if mixed == alone else "another answer")


def test_limits_of_sampling(server: Server) -> None:
    """With room for one token only, the hottest sampling is greedy."""
    greedy = settled(server)
    for limit in ({"top_k": 1}, {"top_p": 1e-6}, {"min_p": 1.0}):
        answer = answered(server, **{**RANDOM, "seed": 5, **limit})
        assert answer["response"] == greedy, limit


def test_penalties(server: Server) -> None:
    """Each penalty changes a greedy answer."""
    plain = settled(server, max_tokens=32)
    for name in ("repeat_penalty", "presence_penalty", "frequency_penalty"):
        assert settled(server, max_tokens=32, **{name: 2.0}) != plain, name


def test_stream_equals_answer(server: Server) -> None:
    """A stream's pieces joined, its `done` and the plain answer say the same."""
    whole = settled(server)
    texts, done = pieces(server)
    assert "".join(texts) == done["response"] == whole
    assert len(texts) > 3
    plain = answered(server)
    for field in ("usage", "finish_reason", "context", "model"):
        assert done[field] == plain[field]


def test_the_next_turn_is_in_the_cache(server: Server) -> None:
    """A second turn computes only what is new, as `cached_tokens` says."""
    first = answered(server, "word " * 120, max_tokens=8)
    history = [
        {"role": "user", "content": "word " * 120},
        {"role": "assistant", "content": first["response"]},
    ]
    usage = answered(server, "And now?", history=history, max_tokens=4)["usage"]
    assert usage["cached_tokens"] > 120
    assert usage["prompt_tokens"] - usage["cached_tokens"] < 40
