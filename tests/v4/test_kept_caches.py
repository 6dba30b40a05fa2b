"""What was computed of a conversation outlives its slot and the server, and goes with it."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.engine.kv_folder import KV_CACHE, owner_mark
from app.weights import ModelSpec
from tests.support import Server, running
from tests.v4.owners import Owners
from tests.v4.support import again, say

LONG = " ".join(f"word{number}" for number in range(300))
ONE_SLOT = {"SLLM_MODEL_PATH": "scripted", "PARALLEL_SLOTS": "1"}


def kept(folder: Path) -> list[Path]:
    return sorted((folder / KV_CACHE).glob("*/*.json"))


def cached(reply: dict[str, Any]) -> int:
    number: int = reply["usage"]["cached_tokens"]
    return number


@contextmanager
def serving(folder: Path, **settings: str) -> Iterator[Server]:
    with running(folder, ONE_SLOT | settings) as server:
        yield server


def test_the_next_turn_after_a_restart_reads_only_what_is_new(tmp_path: Path) -> None:
    with serving(tmp_path) as server:
        first = say(server, LONG)
    assert len(kept(tmp_path)) == 1
    with serving(tmp_path) as server:
        second = say(server, "And now?", conversation_id=first["conversation_id"])
    assert cached(second) >= first["usage"]["prompt_tokens"]


def test_conversations_that_take_turns_over_one_slot_keep_their_caches(tmp_path: Path) -> None:
    with serving(tmp_path) as server:
        talks = [say(server, f"{number} {LONG}")["conversation_id"] for number in range(3)]
        again_ = [say(server, "Go on.", conversation_id=talk) for talk in talks]
    assert min(map(cached, again_)) > 300


def test_chats_that_no_conversation_keeps_come_back_from_memory(tmp_path: Path) -> None:
    with serving(tmp_path) as server:
        chats = [f"{number} {LONG}" for number in range(3)]
        for chat in chats:
            server.chat(chat)
        second = server.chat(f"{chats[0]} and more")
        assert cached(second.json()) > 300
    assert kept(tmp_path) == []


def test_a_template_is_warm_for_the_next_conversation(tmp_path: Path) -> None:
    with serving(tmp_path) as server:
        say(server, "One.", system_prompt=LONG)
        server.chat("something else in the slot " + LONG)
        other = say(server, "Two.", system_prompt=LONG)
    assert cached(other) > 300


def test_another_answer_finds_the_same_beginning(tmp_path: Path) -> None:
    with serving(tmp_path) as server:
        first = say(server, LONG)
        server.chat("something else in the slot " + LONG)
        other = again(server, first["conversation_id"], first["message_id"]).json()
    assert cached(other) > 300


def test_deleted_with_the_conversation(tmp_path: Path) -> None:
    with serving(tmp_path) as server:
        talks = [say(server, f"{number} {LONG}")["conversation_id"] for number in range(3)]
        server.wait_until(lambda: len(kept(tmp_path)) == 3)
        path = f"/api/v4/conversations/{talks[0]}"
        assert server.http.delete(path).status_code == 204
        assert len(kept(tmp_path)) == 2
        # What another conversation in the slot begins with as well is no secret.
        assert cached(say(server, f"0 {LONG}")) < 5
        path = "/api/v4/conversations?confirm=all"
        assert server.http.delete(path).json() == {"deleted": 3}
        assert kept(tmp_path) == []
        assert cached(say(server, f"1 {LONG}")) == 0


def test_deleted_before_it_was_written(tmp_path: Path) -> None:
    with serving(tmp_path) as server:
        talk = say(server, LONG)["conversation_id"]
        server.http.delete(f"/api/v4/conversations/{talk}")
        say(server, "Something else. " + LONG)
    assert len(kept(tmp_path)) == 1


def test_never_another_tenants(owners: Owners) -> None:
    body = {"message": f"tenants {LONG}"}
    replies = [
        client.post("/api/v4/chat", json=body).json() for client in (owners.mine, owners.hers)
    ]
    assert list(map(cached, replies)) == [0, 0]


def test_a_rotten_file_is_computed_anew(tmp_path: Path) -> None:
    with serving(tmp_path) as server:
        first = say(server, LONG)
    (rows,) = (tmp_path / KV_CACHE).glob("*/*.kv")
    rows.write_bytes(rows.read_bytes()[:-1] + b"?")
    with serving(tmp_path) as server:
        second = say(server, "And now?", conversation_id=first["conversation_id"])
        assert cached(second) == 0
        assert server.health()["status"] == "ok"


def test_a_folder_that_cannot_be_written_is_no_reason_not_to_answer(tmp_path: Path) -> None:
    (tmp_path / KV_CACHE).write_text("in the way")
    with serving(tmp_path) as server:
        first = say(server, LONG)
        assert say(server, "More.", conversation_id=first["conversation_id"])["response"]


def test_nothing_is_kept_where_the_budget_is_nothing(tmp_path: Path) -> None:
    with serving(tmp_path, KV_CACHE_DISK_MIB="0", KV_CACHE_MEMORY_MIB="0") as server:
        first = say(server, LONG)
        server.chat("something else in the slot " + LONG)
        second = say(server, "And now?", conversation_id=first["conversation_id"])
        assert cached(second) < 10
    assert not (tmp_path / KV_CACHE).exists()


def test_the_files_name_no_tenant(tmp_path: Path) -> None:
    with serving(tmp_path) as server:
        talk = say(server, LONG)["conversation_id"]
    (about,) = kept(tmp_path)
    assert about.name.startswith(owner_mark("local"))
    assert talk not in about.name + about.read_text()


def test_killed_in_the_middle_it_is_computed_anew_or_brought_back(tmp_path: Path) -> None:
    with serving(tmp_path) as server:
        first = say(server, LONG)
        server.wait_until(lambda: len(kept(tmp_path)) == 1)
        (engine,) = server.engines()
        engine.kill()
        server.wait_until(lambda: [one.pid for one in server.engines()] not in ([], [engine.pid]))
        server.wait_for("ok")
        second = say(server, "And now?", conversation_id=first["conversation_id"])
        assert cached(second) >= first["usage"]["prompt_tokens"]


@pytest.mark.weights
@pytest.mark.parametrize("weights", ["gguf", "onnx"])
def test_real_weights_go_on_after_a_restart(
    weights: str, tmp_path: Path, embedded: ModelSpec, request: pytest.FixtureRequest
) -> None:
    path = embedded.path if weights == "gguf" else str(request.getfixturevalue("smollm2_int8"))
    settings = {"SLLM_MODEL_PATH": path, "CONTEXT_LENGTH": "1024", "PARALLEL_SLOTS": "1"}
    text = "The tides follow the moon, and the moon follows the earth. " * 25
    ask = {"temperature": 0, "max_tokens": 8}
    replies = {}
    for case in ("restarted", "hot"):
        folder = tmp_path / case
        with running(folder_of(folder), settings) as server:
            first = say(server, text, **ask)
            talk = first["conversation_id"]
            if case == "hot":
                replies[case] = say(server, "Why?", conversation_id=talk, **ask)
        if case == "restarted":
            with running(folder, settings) as server:
                replies[case] = say(server, "Why?", conversation_id=talk, **ask)
        assert cached(replies[case]) >= first["usage"]["prompt_tokens"]
    assert replies["restarted"]["response"] == replies["hot"]["response"]


@pytest.mark.weights
def test_real_weights_never_use_another_models_cache(tmp_path: Path, embedded: ModelSpec) -> None:
    settings = {"CONTEXT_LENGTH": "512", "PARALLEL_SLOTS": "1"}
    text = "The tides follow the moon. " * 30
    other = tmp_path / "other.gguf"
    shutil.copyfile(embedded.path, other)
    with running(tmp_path, settings | {"SLLM_MODEL_PATH": embedded.path}) as server:
        talk = say(server, text, max_tokens=1)["conversation_id"]
    with other.open("r+b") as file:
        file.seek(-1, 2)
        last = file.read(1)
        file.seek(-1, 2)
        file.write(bytes([last[0] ^ 1]))
    with running(tmp_path, settings | {"SLLM_MODEL_PATH": str(other)}) as server:
        assert cached(say(server, "Why?", conversation_id=talk, max_tokens=1)) == 0
    assert len(list((tmp_path / KV_CACHE).iterdir())) == 2


def folder_of(path: Path) -> Path:
    path.mkdir()
    return path


def test_settings_out_of_range_are_refused(tmp_path: Path) -> None:
    server = Server(tmp_path, ONE_SLOT | {"KV_CACHE_DISK_MIB": "-1"})
    assert server.process.wait(60) != 0
    assert "KV_CACHE_DISK_MIB" in server.log
    with pytest.raises(httpx.TransportError):
        server.http.get("/health")


def test_kept_and_deleted_through_the_dialect_of_openai(tmp_path: Path) -> None:
    with serving(tmp_path) as server:
        said = server.http.post("/v1/responses", json={"model": "scripted", "input": LONG}).json()
        server.wait_until(lambda: len(kept(tmp_path)) == 1)
        server.chat("something else in the slot " + LONG)
        body = {"model": "scripted", "input": "More.", "previous_response_id": said["id"]}
        more = server.http.post("/v1/responses", json=body).json()
        assert more["usage"]["input_tokens_details"]["cached_tokens"] > 300
        talk = server.http.get("/api/v4/conversations").json()["items"][0]["id"]
        assert server.http.delete(f"/v1/conversations/{talk}").status_code == 200
        assert kept(tmp_path) == []
