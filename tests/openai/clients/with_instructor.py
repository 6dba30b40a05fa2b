"""Instructor: objects from answers, by tools and by schema."""

from typing import Any

import instructor
import openai
from pydantic import BaseModel


class Person(BaseModel):
    """A person."""

    name: str
    age: int


def extracted(server: Any, mode: Any, text: str) -> Any:
    client = openai.OpenAI(base_url=f"{server.url}/v1", api_key="none", max_retries=0)
    found = instructor.from_openai(client, mode=mode).chat.completions.create(
        model=server.model,
        response_model=Person,
        messages=[{"role": "user", "content": text}],
        max_retries=0,
    )
    assert isinstance(found, Person)
    return found.model_dump()


def check_tools(server: Any) -> None:
    call = '{"name": "Person", "arguments": {"name": "Kim", "age": 30}}'
    found = extracted(server, instructor.Mode.TOOLS, f"#answer={call}")
    assert found == {"name": "Kim", "age": 30}


def check_json_schema(server: Any) -> None:
    found = extracted(server, instructor.Mode.JSON_SCHEMA, '#answer={"name": "Kim", "age": 30}')
    assert found == {"name": "Kim", "age": 30}
