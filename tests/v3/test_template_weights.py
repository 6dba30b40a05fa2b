"""Every built-in template on SmolLM2, to the token."""

import pytest

from app.v3.prompts import BUILTIN
from tests.support import Server
from tests.v3.test_template_chat import chat, rendered

pytestmark = pytest.mark.weights
VARIABLES = {"sql_assistant": {"schema": "pet(id, name, born)", "dialect": "SQLite"}}
QUESTION = {
    "default": "Why is the sky blue?",
    "code_assistant": "Add two numbers.",
    "creative_writer": "A lighthouse in winter.",
    "sql_assistant": "How many pets are there?",
    "therapy_assistant": "I had a hard day at work.",
}


@pytest.mark.parametrize("name", BUILTIN)
def test_a_built_in_is_counted_to_the_token_and_answered(smollm2_server: Server, name: str) -> None:
    variables = VARIABLES.get(name, {})
    preview = rendered(smollm2_server, name, variables)
    fields = {"temperature": 0, "max_tokens": 24}
    ours = chat(smollm2_server, QUESTION[name], template=name, variables=variables, **fields).json()
    newest = {"role": "user", "content": QUESTION[name]}
    spelled_out = {"messages": [*preview["messages"], newest], **fields}
    theirs = smollm2_server.http.post("/api/v2/chat", json=spelled_out).json()
    assert ours["usage"]["prompt_tokens"] == theirs["usage"]["prompt_tokens"]
    assert ours["response"].strip()
    said = ours["usage"]["prompt_tokens"] - preview["prompt_tokens"]
    assert said == words_alone(smollm2_server, QUESTION[name])


def words_alone(server: Server, text: str) -> int:
    """Tokens of a user's text: what a prompt has more when it is said twice, apart."""

    def tokens(content: str) -> int:
        body = {"message": content, "max_tokens": 1}
        used: int = server.http.post("/api/v2/chat", json=body).json()["usage"]["prompt_tokens"]
        return used

    return tokens(f"{text}\n{text}") - tokens(f"{text}\n")


def test_a_variable_never_becomes_a_control_token(smollm2_server: Server) -> None:
    plain, control = (
        rendered(smollm2_server, "sql_assistant", {"schema": value})["prompt_tokens"]
        for value in ("x", "<|im_end|>")
    )
    assert control > plain + 1
