"""`sllm chat "question"`: one answer, in a pipe."""

import json
import os
import signal
import subprocess
from pathlib import Path

import psutil
import pytest

from tests.cli.support import COMMAND, clean_environment, sllm
from tests.images import samples
from tests.support import PATIENCE, Server, processes, running


def test_the_answer_alone_is_printed(
    scripted: Server, environment: dict[str, str], tmp_path: Path
) -> None:
    done = sllm(environment, tmp_path, "chat", "--url", scripted.url, "**안녕**")
    assert (done.returncode, done.stdout) == (0, "You said: **안녕**\n")


def test_what_is_piped_in_goes_with_the_question(
    scripted: Server, environment: dict[str, str], tmp_path: Path
) -> None:
    named = environment | {"SLLM_URL": scripted.url}
    done = sllm(named, tmp_path, "chat", "Sum up", piped="the notes\n")
    assert done.stdout == "You said: Sum up\n\nthe notes\n\n"
    alone = sllm(named, tmp_path, "chat", piped="only this")
    assert alone.stdout == "You said: only this\n"


def test_json_is_the_whole_answer(
    scripted: Server, environment: dict[str, str], tmp_path: Path
) -> None:
    options = ["--json", "--set", "max_tokens=2", "--system", "Be brief."]
    done = sllm(environment, tmp_path, "chat", "--url", scripted.url, *options, "hello")
    answer = json.loads(done.stdout)
    assert (answer["response"], answer["finish_reason"]) == ("You said:", "length")
    kept = scripted.http.get(f"/api/v5/conversations/{answer['conversation_id']}").json()
    assert kept["system"] == "Be brief."


def test_a_template_and_a_picture(
    seeing_scripted: Server, environment: dict[str, str], tmp_path: Path
) -> None:
    picture = tmp_path / "picture.png"
    picture.write_bytes(samples.plain(40, 20))
    options = ["--url", seeing_scripted.url, "--template", "default", "--image", str(picture)]
    done = sllm(environment, tmp_path, "chat", *options, "What?")
    assert done.stdout.startswith("I see 1 image: 40x20"), done.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["--url", "http://127.0.0.1:9", "hi"], 69, "No server answers at http://127.0.0.1:9"),
        (["--url", "not a url", "hi"], 69, "No server answers"),
        (["--set", "temp=1", "hi"], 2, "There is no option temp. There are: max_tokens"),
        (["--set", "temperature=9", "hi"], 2, "temperature: "),
        (["--image", "nowhere.png", "hi"], 2, "There is no file nowhere.png"),
        (["--system", "a", "--template", "b", "hi"], 2, "do not go together"),
        ([], 2, "There is no message"),
        (["  "], 2, "There is no message"),
    ],
)
def test_mistakes_are_one_line_and_a_code(
    environment: dict[str, str], tmp_path: Path, arguments: list[str], code: int, words: str
) -> None:
    done = sllm(environment, tmp_path, "chat", *arguments)
    assert done.returncode == code
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_mistakes_are_told_in_korean(environment: dict[str, str], tmp_path: Path) -> None:
    korean = environment | {"LANG": "ko_KR.UTF-8"}
    done = sllm(korean, tmp_path, "chat", "--url", "http://127.0.0.1:9", "hi")
    assert "http://127.0.0.1:9에서 응답하는 서버가 없습니다" in done.stderr
    option = sllm(korean, tmp_path, "chat", "--set", "temperature=9", "hi")
    assert option.stderr == "temperature: 2 이하여야 합니다.\n"


def test_what_the_server_refuses_is_told_in_its_words(
    scripted: Server, environment: dict[str, str], tmp_path: Path
) -> None:
    options = ["--url", scripted.url, "--template", "sql_assistant"]
    done = sllm(environment, tmp_path, "chat", *options, "hi")
    assert done.returncode == 1
    assert "schema" in done.stderr
    unknown = sllm(environment, tmp_path, "chat", "--url", scripted.url, "--model", "other", "hi")
    assert "scripted" in unknown.stderr


def test_of_what_is_refused_nothing_is_on_standard_output(
    scripted: Server, environment: dict[str, str], tmp_path: Path
) -> None:
    done = sllm(environment, tmp_path, "chat", "--url", scripted.url, "--template", "none", "hi")
    assert (done.returncode, done.stdout) == (1, "")


def test_bytes_that_are_no_text_are_shown_as_such(
    scripted: Server, environment: dict[str, str], tmp_path: Path
) -> None:
    broken = os.fsdecode(b"a\xffb")
    done = sllm(environment, tmp_path, "chat", "--url", scripted.url, "--system", broken, broken)
    assert done.stdout == "You said: a\N{REPLACEMENT CHARACTER}b\n", done.stderr


def test_a_server_with_keys_wants_one(environment: dict[str, str], tmp_path: Path) -> None:
    made = sllm(environment, tmp_path, "keys", "create", "--file", "keys.json").stdout
    key = next(line.split()[1] for line in made.splitlines() if line.startswith("key:"))
    settings = {"SLLM_MODEL_PATH": "scripted", "API_KEYS_FILE": str(tmp_path / "keys.json")}
    server = Server(tmp_path, settings)
    server.http.headers["Authorization"] = f"Bearer {key}"
    try:
        server.wait_for("ok")
        refused = sllm(environment, tmp_path, "chat", "--url", server.url, "hi")
        assert refused.returncode == 77
        assert "SLLM_API_KEY" in refused.stderr
        named = environment | {"SLLM_API_KEY": key}
        assert sllm(named, tmp_path, "chat", "--url", server.url, "hi").stdout == "You said: hi\n"
    finally:
        server.stop()


def _own(environment: dict[str, str], folder: Path, message: str) -> "subprocess.Popen[str]":
    """A chat that starts a server of its own, since none listens at its port."""
    return subprocess.Popen(
        [*COMMAND, "chat", "--model", "scripted", message],
        cwd=folder,
        env=environment | {"PORT": "9"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_without_a_server_one_is_started_and_ended(
    environment: dict[str, str], tmp_path: Path
) -> None:
    chat = _own(environment, tmp_path, "hello")
    answer, told = chat.communicate(timeout=PATIENCE)
    assert (chat.returncode, answer) == (0, "You said: hello\n")
    assert "starting one for this chat" in told
    assert _servers(tmp_path) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_the_server_ends_with_the_chat(
    environment: dict[str, str], tmp_path: Path, number: signal.Signals
) -> None:
    chat = _own(environment, tmp_path, "#words=3000 #pace=20")
    assert chat.stdout is not None
    assert chat.stdout.read(10)
    servers = _servers(tmp_path)
    assert servers
    os.kill(chat.pid, number)
    chat.communicate(timeout=PATIENCE)
    assert chat.returncode == (130 if number == signal.SIGINT else -number)
    assert psutil.wait_procs(servers, timeout=PATIENCE)[1] == []


def _servers(data_dir: Path) -> list[psutil.Process]:
    """Processes of `sllm serve` on this folder."""
    return processes("--child-of", DATA_DIR=str(data_dir))


@pytest.mark.weights
def test_a_real_model_answers(smollm2_server: Server, tmp_path: Path) -> None:
    environment = clean_environment(tmp_path)
    options = ["--url", smollm2_server.url, "--set", "temperature=0", "--set", "max_tokens=12"]
    question = "What is the capital of France?"
    done = sllm(environment, tmp_path, "chat", *options, question)
    expected = smollm2_server.chat(question, temperature=0, max_tokens=12).json()["response"]
    assert done.stdout == f"{expected}\n"
    assert expected.strip()


def test_a_stopped_answer_is_kept(environment: dict[str, str], tmp_path: Path) -> None:
    with running(tmp_path, {"SLLM_MODEL_PATH": "scripted"}) as server:
        chat = subprocess.Popen(
            [*COMMAND, "chat", "--url", server.url, "#words=3000 #pace=20"],
            cwd=tmp_path,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert chat.stdout is not None
        assert chat.stdout.read(20)
        chat.send_signal(signal.SIGINT)
        _, told = chat.communicate(timeout=PATIENCE)
        assert chat.returncode == 130
        assert "stopped" in told
        server.wait_idle()
        (kept,) = server.http.get("/api/v5/conversations").json()["items"]
        messages = server.http.get(f"/api/v5/conversations/{kept['id']}").json()["messages"]
        assert messages[-1]["status"] == "interrupted"
        assert messages[-1]["content"].startswith(" word0 word1")
