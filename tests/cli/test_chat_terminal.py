"""`sllm chat` on a terminal: typed at, and read from the screen."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.terminal import Terminal
from tests.images import samples
from tests.support import Server


@pytest.fixture
def terminal(
    seeing_scripted: Server, environment: dict[str, str], tmp_path: Path
) -> Iterator[Terminal]:
    """A chat with the scripted server, at its first prompt."""
    with Terminal(environment, tmp_path, "chat", "--url", seeing_scripted.url) as chat:
        chat.wait("/help shows")
        yield chat


def test_an_answer_is_shown_as_markdown(terminal: Terminal) -> None:
    terminal.type("**bold** `code`")
    assert "You said: bold code" in terminal.wait("You said: bold")
    terminal.type("/exit")
    assert terminal.end() == 0


def test_korean_is_as_wide_as_it_is_drawn(terminal: Terminal) -> None:
    terminal.child.send("가나다abc")
    terminal.wait("가나다abc")
    row = next(number for number, line in enumerate(terminal.screen.display) if "abc" in line)
    assert (terminal.screen.cursor.y, terminal.screen.cursor.x) == (row, 2 + 2 * 3 + 3)
    terminal.child.send("\x1b[D" * 3 + "\x7f라\r")  # left past abc, over 다, another in its place
    terminal.wait("You said: 가나라abc")


def test_a_model_cannot_steer_the_terminal(terminal: Terminal) -> None:
    terminal.type(r"/system \x1b")
    terminal.child.send("\x16\x1b]0;title\x07\r")  # quoted: typed into the line as it is
    terminal.wait("You said")
    assert terminal.screen.title == ""


def test_a_conversation_goes_on_and_is_found_again(terminal: Terminal, tmp_path: Path) -> None:
    terminal.type("first thing")
    terminal.wait("You said: first thing")
    terminal.type("#show=1 second")
    terminal.wait("assistant: You said: first thing")
    terminal.type("/save talk.md")
    terminal.wait("Saved to talk.md")
    assert "first thing" in (tmp_path / "talk.md").read_text()
    terminal.type("/save talk.md")
    terminal.wait("exists already")
    terminal.type("/save talk.json")
    terminal.wait("Saved to talk.json")
    assert json.loads((tmp_path / "talk.json").read_text())
    terminal.type("/new")
    terminal.wait("A new conversation")
    terminal.type("/list first")
    terminal.wait(r"1 +first thing")
    terminal.type("/open 1")
    terminal.wait(r"─ first thing ─")
    terminal.type("#show=1 third")
    terminal.wait("user: #show=1 second")


def test_ctrl_c_stops_an_answer_and_keeps_it(terminal: Terminal, seeing_scripted: Server) -> None:
    terminal.type("#words=3000 #pace=20")
    terminal.wait("word20")
    terminal.child.sendintr()
    terminal.wait("what came is kept")
    seeing_scripted.wait_idle()
    newest = seeing_scripted.http.get("/api/v5/conversations").json()["items"][0]
    kept = seeing_scripted.http.get(f"/api/v5/conversations/{newest['id']}").json()
    assert kept["messages"][-1]["status"] == "interrupted"
    terminal.type("still here")
    terminal.wait("You said: still here")


def test_another_answer_to_the_same_message(terminal: Terminal, seeing_scripted: Server) -> None:
    terminal.type("/regenerate")
    terminal.wait("no answer in this conversation yet")
    terminal.type("again")
    terminal.wait("You said: again")
    terminal.type("/regenerate")
    terminal.wait(r"(?s)You said: again.*You said: again")
    terminal.wait_for_prompt()
    newest = seeing_scripted.http.get("/api/v5/conversations").json()["items"][0]
    assert newest["message_count"] == 3


def test_a_picture_by_its_path(terminal: Terminal, tmp_path: Path) -> None:
    (tmp_path / "고양이 1.png").write_bytes(samples.plain(40, 20))
    terminal.type("/image nowhere.png")
    terminal.wait("There is no file nowhere.png")
    terminal.type("/image '고양이 1.png'")
    terminal.wait("pictures with the next message: 1")
    terminal.type("What is it?")
    terminal.wait("I see 1 image: 40x20")
    terminal.type("And now?")
    terminal.wait(r"(?s)I see 1 image.*I see 1 image")


def test_a_name_with_blanks_need_not_be_quoted(terminal: Terminal, tmp_path: Path) -> None:
    (tmp_path / "내 사진 1.png").write_bytes(samples.plain(40, 20))
    terminal.type("/image 내 사진 1.png")
    terminal.wait("pictures with the next message: 1")


def test_a_picture_that_is_refused_can_be_taken_away(terminal: Terminal, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("no picture")
    terminal.type("/image notes.txt")
    terminal.wait("pictures with the next message: 1")
    terminal.type("What is it?")
    terminal.wait("/image - takes them away")
    terminal.type("/image -")
    terminal.wait("No picture goes with")
    terminal.type("Never mind")
    terminal.wait("You said: Never mind")


def test_a_template_asks_for_its_variables(terminal: Terminal) -> None:
    terminal.type("/template")
    terminal.wait("sql_assistant")
    terminal.type("/template sql_assistant")
    terminal.wait("(?m)^schema: ")
    terminal.type("users(id, name)")
    terminal.wait("(?m)^dialect: ")
    for _ in range(3):  # Enter leaves a variable at its default
        terminal.type("")
    terminal.wait("uses the template sql_assistant")
    terminal.type("#show=1 count them")
    terminal.wait(r"users\(id, name\)")


def test_options_system_prompt_and_figures(terminal: Terminal) -> None:
    terminal.type("/set max_tokens 2")
    terminal.wait("max_tokens = 2")
    terminal.type("/set max_tokens many")
    terminal.wait("max_tokens: ")
    terminal.type("/system Be brief.")
    terminal.wait("from the next message on")
    terminal.type("hello")
    terminal.wait("cut at its longest length")
    terminal.type("/system")
    terminal.wait(r"(?m)^Be brief\.")
    terminal.type("/stats")
    assert "(length)" in terminal.wait("messages dropped")
    terminal.type("/set max_tokens")
    terminal.wait("No options are set")


def test_commands_help_each_other(terminal: Terminal) -> None:
    terminal.type("/help")
    terminal.wait("/regenerate")
    terminal.type("/imge x")
    terminal.wait("Did you mean /image")
    terminal.type("//path")
    terminal.wait("You said: /path")


def test_a_long_answer_is_shown_whole(terminal: Terminal) -> None:
    terminal.type("/set max_tokens 1000")
    terminal.wait("max_tokens = 1000")
    terminal.type("#words=900")
    terminal.wait("word899")
    shown = re.findall(r"word\d+", terminal.text.partition("#words=900")[2])
    assert [word for word in shown if word[4:].isdigit()][-900:] == [
        f"word{number}" for number in range(900)
    ]


def test_what_was_typed_comes_back(
    terminal: Terminal, seeing_scripted: Server, environment: dict[str, str], tmp_path: Path
) -> None:
    terminal.type("remember me")
    terminal.wait("You said: remember me")
    terminal.wait_for_prompt()
    terminal.child.sendeof()
    assert terminal.end() == 0
    assert (tmp_path / "chat_history").stat().st_mode & 0o077 == 0
    with Terminal(environment, tmp_path, "chat", "--url", seeing_scripted.url) as chat:
        chat.wait("/help shows")
        chat.recall("remember me")
        chat.type("")
        chat.wait("You said: remember me")
