"""Built-in templates are warm for whoever uses them first, and tell nobody what others do."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from app import api_keys
from app.engine.kv.keeper import EVERYBODY
from app.engine.kv_folder import KV_CACHE, owner_mark
from app.v3.prompts import BUILTIN, default_heads
from app.weights import ModelSpec
from tests.support import Server, running

WARM = {"SLLM_MODEL_PATH": "scripted", "WARM_TEMPLATES": "true"}
LONG = "therapy_assistant"


def kept(folder: Path) -> list[Path]:
    return sorted((folder / KV_CACHE).glob(f"*/{owner_mark(EVERYBODY)}-*.json"))


def ask(server: Server, template: str = LONG, **fields: Any) -> int:
    """The cached tokens of a first message under a template."""
    body = {"message": "안녕하세요", "template": template, "max_tokens": 4, **fields}
    answer = server.http.post("/api/v3/chat", json=body)
    assert answer.status_code == 200, answer.text
    tokens: int = answer.json()["usage"]["cached_tokens"]
    return tokens


def warmed(server: Server, folder: Path, count: int) -> None:
    server.wait_until(lambda: len(kept(folder)) == count)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("warm")


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[Server]:
    with running(folder, WARM) as server:
        yield server


# Of the scripted model's words; the beginnings of the others are too short to be kept.
LONG_ONES = 3


def test_every_template_that_needs_no_value_has_a_head() -> None:
    needing = [one for one in BUILTIN.values() if any(v.required for v in one.variables)]
    assert len(default_heads()) == len(BUILTIN) - len(needing)
    assert needing


def test_the_first_to_use_a_template_finds_it_warm(server: Server, folder: Path) -> None:
    warmed(server, folder, LONG_ONES)
    assert ask(server) > 200


def test_a_template_with_other_values_is_warm_as_far_as_it_is_the_same(
    server: Server, folder: Path
) -> None:
    warmed(server, folder, LONG_ONES)
    assert 100 < ask(server, variables={"language": "Korean"}) < 200


def test_after_a_restart_nothing_is_computed_again(tmp_path: Path) -> None:
    with running(tmp_path, WARM) as server:
        warmed(server, tmp_path, LONG_ONES)
        server.wait_idle()
    written = {path: path.stat().st_ino for path in kept(tmp_path)}
    with running(tmp_path, WARM) as server:
        assert ask(server) > 200
        server.wait_idle()
    assert {path: path.stat().st_ino for path in kept(tmp_path)} == written


def test_it_can_be_turned_off(tmp_path: Path) -> None:
    with running(tmp_path, WARM | {"WARM_TEMPLATES": "false"}) as server:
        server.wait_for("ok")
        assert ask(server) == 0
    assert kept(tmp_path) == []


def test_each_tenant_finds_what_is_everybodys_and_not_what_is_anothers(tmp_path: Path) -> None:
    keys = [api_keys.create(tmp_path / "keys.json", name)[1] for name in ("one", "other")]
    own = " ".join(f"word{number}" for number in range(200))
    server = Server(tmp_path, WARM | {"API_KEYS_FILE": str(tmp_path / "keys.json")})
    try:
        warmed(server, tmp_path, LONG_ONES)
        for key in keys:
            server.http.headers["Authorization"] = f"Bearer {key}"
            assert ask(server) > 200
            assert ask(server, template="default", message=own) < 100
    finally:
        server.stop()


@pytest.mark.weights
def test_real_weights(embedded: ModelSpec, tmp_path: Path) -> None:
    settings = WARM | {"SLLM_MODEL_PATH": embedded.path}
    with running(tmp_path, settings) as server:
        warmed(server, tmp_path, len(default_heads()) - 1)
        assert ask(server) > 600
