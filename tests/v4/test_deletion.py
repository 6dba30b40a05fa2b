"""What is deleted is gone from the disk, too: its words are in no file of the data folder."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import Server, running
from tests.v4.support import again, say
from tests.v4.transfers import PATH, brought, plain

WORDS = ("Zanzibarquux", "Timbuktuquux", "Ulaanbaatarquux", "Reykjavikquux", "Ouagadougouquux")
KEPT = "Montevideoquux"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def server(folder: Path) -> Iterator[Server]:
    folder.mkdir()
    with running(folder, {"SLLM_MODEL_PATH": "scripted"}) as started:
        yield started


def stored(folder: Path) -> bytes:
    """Every byte of the database and of what lies beside it."""
    files = [path for path in folder.rglob("*") if path.is_file() and path.suffix != ".log"]
    assert files
    return b"".join(path.read_bytes() for path in files)


def tell(server: Server) -> str:
    """All places for words: title, label, system prompt, question, answer, an edited sibling."""
    title, label, system, question, edited = WORDS
    first = say(
        server, question, title=title, metadata={"k": label}, system_prompt=system,
        headers={"Idempotency-Key": "k"},
    )  # fmt: skip
    id_: str = first["conversation_id"]
    path = f"{PATH}/{id_}/messages/{first['parent_id']}"
    sibling = server.http.patch(path, json={"content": edited}).json()
    assert again(server, id_, sibling["id"]).status_code == 200
    return id_


@pytest.mark.parametrize("everything", [False, True], ids=["one", "all"])
def test_no_word_is_left(server: Server, folder: Path, everything: bool) -> None:
    id_ = tell(server)
    if not everything:
        brought(server.http, plain(KEPT))
    assert [word for word in WORDS if word.encode() not in stored(folder)] == []
    if everything:
        assert server.http.delete(PATH, params={"confirm": "all"}).json() == {"deleted": 1}
    else:
        assert server.http.delete(f"{PATH}/{id_}").status_code == 204
    left = stored(folder)
    assert [word for word in WORDS if word.encode() in left] == []
    assert [word for word in WORDS if word.casefold().encode() in left] == []
    assert (KEPT.encode() in left) is not everything
