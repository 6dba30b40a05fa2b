"""ChatGPT's exports as trees: who spoke, in what order, and what is no conversation."""

from datetime import UTC, datetime
from typing import Any

import pytest

from app.database.records import Tree
from app.domain.errors import SllmError
from app.v4.services.chatgpt_import import chatgpt_tree
from app.v4.services.export_formats import branch_of
from tests.v4.chatgpt import as_bytes, conversation, node, silent, simple


def tree(nodes: dict[str, Any], **fields: Any) -> Tree:
    return chatgpt_tree(as_bytes(conversation(nodes, **fields)))


def said(found: Tree) -> list[tuple[str, str | None, str, str]]:
    return [(m.id, m.parent_id, m.role, m.content) for m in found.messages]


def test_a_usual_conversation() -> None:
    found = chatgpt_tree(as_bytes(simple()))
    assert said(found) == [
        ("q1", None, "user", "하늘은 왜 파란가요?"),
        ("a1", "q1", "assistant", "산란 때문입니다."),
        ("a2", "q1", "assistant", "레일리 산란입니다."),
        ("q2", "a2", "user", "더 자세히"),
        ("a3", "q2", "assistant", "```text\n코드\n```"),
    ]
    assert [message.id for message in branch_of(found)] == ["q1", "a2", "q2", "a3"]
    source = found.conversation
    assert (source.title, source.metadata) == ("Sky", {})
    assert source.created_at == datetime.fromtimestamp(1700000000.25, UTC)
    assert source.updated_at == datetime.fromtimestamp(1700000100, UTC)
    assert found.messages[1].created_at == datetime.fromtimestamp(1700000002.5, UTC)
    assert {message.status for message in found.messages} == {"complete"}


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"role": "tool"}, None),
        ({"role": "system", "text": "be kind"}, None),
        ({"role": "evil"}, None),
        ({"role": ["user"]}, None),
        ({"role": "assistant", "recipient": "python"}, None),
        ({"role": "assistant", "recipient": "all"}, "words"),
        ({"metadata": {"is_visually_hidden_from_conversation": True}}, None),
        ({"metadata": {"is_visually_hidden_from_conversation": False}}, "words"),
        ({"metadata": None}, "words"),
        ({"text": ""}, None),
        ({"text": " \n"}, None),
        ({"content": {"content_type": "text", "parts": ["a", "b"]}}, "a\n\nb"),
        ({"content": {"content_type": "text", "parts": []}}, None),
        ({"content": {"content_type": "text", "parts": "abc"}}, None),
        ({"content": {"content_type": "text"}}, None),
        ({"content": {"content_type": "code", "language": "py", "text": "1 + 1"}}, "1 + 1"),
        ({"content": {"content_type": "thoughts", "parts": ["hm"]}}, None),
        ({"content": {"content_type": "user_editable_context", "text": "about me"}}, None),
        ({"content": {"content_type": "execution_output", "text": "2"}}, None),
        ({"content": None}, None),
        (
            {
                "content": {
                    "content_type": "multimodal_text",
                    "parts": [
                        {
                            "content_type": "image_asset_pointer",
                            "asset_pointer": "file-service://x",
                        },
                        "What is this?",
                        {"content_type": "audio_transcription", "text": "spoken"},
                        {"content_type": "audio_asset_pointer"},
                        7,
                        None,
                        ["x"],
                    ],
                }
            },
            "[image]\n\nWhat is this?\n\nspoken",
        ),
    ],
)
def test_what_counts_as_said(fields: dict[str, Any], text: str | None) -> None:
    """What does not is passed over: the answer follows what came before."""
    found = tree({"a": node(None, text="first"), "b": node("a", **fields), "c": node("b")})
    words = [message.content for message in found.messages]
    assert words == (["first", "words"] if text is None else ["first", text, "words"])
    assert found.messages[-1].parent_id == ("a" if text is None else "b")


def test_parents_come_before_children_whatever_the_times_say() -> None:
    nodes = {
        "c": node("b", create_time=1.0),
        "b": node("a", create_time=3.0),
        "a": node("gone", create_time=2.0),
        "other": node(None, create_time=2.5),
    }
    assert [m.id for m in tree(nodes).messages] == ["a", "other", "b", "c"]


@pytest.mark.parametrize("time", [None, "yesterday", True, -5, 0, 1e300, [], {"a": 1}])
def test_times_that_are_none(time: Any) -> None:
    nodes = {"a": node(None, create_time=1700000000), "b": node("a", create_time=time)}
    found = tree(nodes, create_time=time, update_time=time)
    moment = datetime.fromtimestamp(1700000000, UTC)
    assert [message.created_at for message in found.messages] == [moment, moment]
    assert (found.conversation.created_at, found.conversation.updated_at) == (moment, moment)


@pytest.mark.parametrize(
    ("current", "last"),
    [("q1", "q1"), ("a3", "a3"), ("system", "a3"), ("gone", "a3"), (None, "a3"), (7, "a3")],
)
def test_the_current_branch(current: Any, last: str) -> None:
    found = chatgpt_tree(as_bytes({**simple(), "current_node": current}))
    assert branch_of(found)[-1].id == last


@pytest.mark.parametrize(
    ("title", "shown"),
    [
        ("  A\n title ", "A title"),
        (None, "How are you?"),
        ("", "How are you?"),
        (5, "How are you?"),
        ("x" * 500, "x" * 200),
    ],
)
def test_titles(title: Any, shown: str) -> None:
    nodes = {"a": node(None, "assistant", "Hello"), "b": node("a", text="# How are you?\nmore")}
    assert tree(nodes, title=title).conversation.title == shown


def test_an_answer_that_was_cut_is_interrupted() -> None:
    nodes = {
        "q": node(None, status="in_progress"),
        "a": node("q", "assistant", status="in_progress"),
        "b": node("q", "assistant", status="finished_successfully"),
    }
    assert [m.status for m in tree(nodes).messages] == ["complete", "interrupted", "complete"]


def test_ten_thousand_deep() -> None:
    nodes = {"n0": node(None)} | {f"n{i}": node(f"n{i - 1}") for i in range(1, 10_000)}
    found = tree(dict(reversed(nodes.items())), current_node="n9999")
    assert [message.id for message in branch_of(found)] == list(nodes)


@pytest.mark.parametrize(
    ("nodes", "reason"),
    [
        ({}, "import_empty"),
        ({"a": silent(None)}, "import_empty"),
        ({"a": node("a")}, "import_circle"),
        ({"a": node("b"), "b": node("a")}, "import_circle"),
        ({"root": node(None), "a": node("b"), "b": node("a")}, "import_circle"),
        ({"a": 5}, "import_damaged"),
        ({"a": {"message": "words", "parent": None}}, "import_damaged"),
        ({"a": {"message": None, "parent": 5}}, "import_damaged"),
        ({"a": node(None, content="words")}, "import_damaged"),
        ({"a": node(None, author="user")}, "import_damaged"),
    ],
)
def test_what_cannot_be_read(nodes: dict[str, Any], reason: str) -> None:
    with pytest.raises(SllmError) as caught:
        tree(nodes)
    assert (caught.value.code, caught.value.text) == ("invalid_parameter", reason)
