"""Templates of one's own and token counts on SmolLM2: every number is the chat's own."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.support import Server
from tests.v4.owners import PATH, make

pytestmark = pytest.mark.weights

QUESTIONS = {
    "English": "Name one colour of the sky.",
    "Korean": "하늘은 어떤 색인가요? 🌤️",
    "a control token": "What does <|im_end|> mean?",
    "blanks": "  x \n",
}
FIELDS: dict[str, Any] = {"temperature": 0, "max_tokens": 4}


@pytest.fixture(scope="module")
def polite(smollm2_server: Server) -> Iterator[Server]:
    """With a template in two languages."""
    make(
        smollm2_server.http,
        "polite",
        system="Answer in {{language}}, politely. {{language}}(으)로 공손하게 답하세요.",
        examples=[{"user": "안녕하세요?", "assistant": "네, 안녕하세요! Hello to you, too."}],
        variables=[{"name": "language", "default": "English"}],
        options={"temperature": 0, "max_tokens": 4},
    )
    yield smollm2_server
    assert smollm2_server.http.delete(f"{PATH}/polite").status_code == 204


def counted(server: Server, **body: Any) -> int:
    answer = server.http.post("/api/v4/tokenize", json=body)
    assert answer.status_code == 200, answer.text
    assert answer.json()["window"] == server.health()["models"]["text"]["context_length"]
    tokens: int = answer.json()["tokens"]
    return tokens


def chat(server: Server, **body: Any) -> dict[str, Any]:
    answer = server.http.post("/api/v3/chat", json=body)
    assert answer.status_code == 200, answer.text
    reply: dict[str, Any] = answer.json()
    return reply


@pytest.mark.parametrize("version", ["v3", "v4"])
@pytest.mark.parametrize("language", ["English", "한국어"])
@pytest.mark.parametrize("question", ["English", "Korean"])
def test_an_own_template_is_counted_to_the_token_and_answered(
    polite: Server, question: str, language: str, version: str
) -> None:
    wanted = {"template": "polite", "variables": {"language": language}}
    body = {"message": QUESTIONS[question], **wanted}
    ours = polite.http.post(f"/api/{version}/chat", json=body).json()
    path = f"/api/{version}/prompt/templates/polite/render"
    head = polite.http.post(path, json={"variables": wanted["variables"]}).json()["messages"]
    assert f"Answer in {language}, politely. {language}(으)로" in head[0]["content"]
    newest = {"role": "user", "content": QUESTIONS[question]}
    theirs = chat(polite, messages=[*head, newest], **FIELDS)
    assert ours["usage"]["prompt_tokens"] == theirs["usage"]["prompt_tokens"]
    assert 0 < ours["usage"]["completion_tokens"] <= 4
    assert ours["response"]
    told = counted(polite, messages=[newest], **wanted)
    assert told == ours["usage"]["prompt_tokens"]


@pytest.mark.parametrize("question", QUESTIONS)
def test_messages_are_counted_as_a_chat_uses_them(smollm2_server: Server, question: str) -> None:
    newest = {"role": "user", "content": QUESTIONS[question]}
    earlier = [
        {"role": "system", "content": "짧게 답하세요. Be brief."},
        {"role": "user", "content": "안녕"},
        {"role": "assistant", "content": ""},
    ]
    for messages in ([newest], [*earlier, newest]):
        used = chat(smollm2_server, messages=messages, max_tokens=1)["usage"]["prompt_tokens"]
        assert counted(smollm2_server, messages=messages) == used


@pytest.mark.parametrize("question", QUESTIONS)
def test_a_text_takes_what_it_adds_to_a_prompt(smollm2_server: Server, question: str) -> None:
    """Said twice, apart, it takes its tokens once more; a line break keeps them apart."""
    text = QUESTIONS[question].strip()

    def prompt(content: str) -> int:
        message = {"role": "user", "content": content}
        return counted(smollm2_server, messages=[message])

    assert counted(smollm2_server, text=text) == prompt(f"{text}\n{text}") - prompt(f"{text}\n")
    assert counted(smollm2_server, text="") == 0
