"""The comparison's own parts, and every scenario once and small on the stand-in engine."""

import time
from pathlib import Path

import pytest

from app.weights import ModelSpec
from benchmarks.client import BenchmarkError, Reply
from benchmarks.compare import __main__ as program
from benchmarks.compare import (
    installs,
    peers,
    rates,
    roofline,
    stage,
    talk,
    texts,
    turns,
    unpack,
    web,
)
from benchmarks.compare.installs import AbsentError
from benchmarks.compare.peers import GENAI, LLAMA, NAMES, OURS, OURS_ONNX, PYTHON, SERVE, Weights
from benchmarks.compare.talk import Server, Talk
from benchmarks.compare.values import Results, load
from benchmarks.processes import ROOT
from tests.benchmarks.compare_support import results

NOT_CONVERTED = AbsentError("not converted")
OK = b"HTTP/1.1 200 OK\r\n\r\n"


async def reply(raw: bytes) -> Reply:
    made = Reply(b"")
    made.reads.append((time.perf_counter(), raw))
    return made


def test_every_scenario_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(roofline, "READ_BYTES", 1 << 20)
    file = tmp_path / "results.json"
    small = ["--rounds", "1", "--patience", "0", "--lengths", "60,120", "--streams", "1,2"]
    fewer = ["--conversations", "3", "--turn-tokens", "60", "--answer-tokens", "4"]
    only = "next_turn,restart,taking_turns,streams,start"
    who = ["--peers", f"{OURS};{OURS_ONNX}", "--only", only, "--json", str(file)]
    options = program.parser().parse_args([*small, *fewer, *who])
    program.run(Weights("scripted", NOT_CONVERTED), options)
    run, _ = load(file)
    assert list(run.seconds) == only.split(",")
    assert [each.name for each in run.absent] == [OURS_ONNX]
    assert len(run.of("next_turn", turns.FIRST_TOKEN, OURS)) == 2
    assert len(run.of("restart", turns.RESTARTED, OURS)) == 1
    assert len(run.of("taking_turns", turns.FIRST_TOKEN, OURS)) == 3
    assert len(run.of("streams", rates.RATE, OURS)) == 4
    assert run.of("start", rates.MEMORY, OURS)[0].value > 20
    # The stand-in says all at once: no time passes after its first token.
    assert all(each.value > 0 for each in run.values if each.figure != rates.DECODE)


async def test_health_is_asked_over_and_over(tmp_path: Path) -> None:
    peer = peers.MAKERS[OURS](Weights("scripted", NOT_CONVERTED), False)
    with peer.start(tmp_path, 1) as server:
        assert await web.health_rate(server, 0.2) > 0


async def test_a_history_is_known_to_ours_as_to_the_others(tmp_path: Path) -> None:
    peer = peers.MAKERS[OURS](Weights("scripted", NOT_CONVERTED), False)
    history = texts.history("H", 1)
    with peer.start(tmp_path, 1) as server:
        said = Talk(server, history)
        turn = await said.say("#show=1 and what now?", 500)
        again = await said.say("#show=1 again?", 500)
    assert all(message["content"].split()[0] in turn.text for message in history)
    assert again.cached_tokens > turn.prompt_tokens - 5
    assert again.conversation == turn.conversation is not None


@pytest.mark.parametrize("end", [b"\n\n", b"\r\n\r\n"])
async def test_a_stream_of_openai_s_kind_is_read(end: bytes) -> None:
    events = [
        b'{"choices":[{"delta":{"role":"assistant","content":null},"finish_reason":null}]}',
        b'{"choices": [{"delta": {"content": "one"}, "finish_reason": null}]}',
        b'{"choices": [{"delta": {"content": " two"}, "finish_reason": null}]}',
        b'{"choices": [{"delta": {}, "finish_reason": "length"}]}',
    ]
    raw = OK + b"".join(b"data: " + event + end for event in [*events, b"[DONE]"])
    turn = talk.turn_of(await reply(raw), 0.0, 7)
    assert (turn.text, turn.tokens, turn.cached_tokens) == ("one two", 7, 0)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"HTTP/1.1 500 Oh\r\n\r\nno",
        OK + b'data: {"choices":[{"delta":{"content":"cut off"}}]}\n\n',
        OK + b'data: {"choices":[{"delta":{},"finish_reason":"stop"}]}\n\n',
    ],
)
async def test_what_is_no_whole_answer_is_an_error(raw: bytes) -> None:
    with pytest.raises(BenchmarkError):
        talk.turn_of(await reply(raw), 0.0, 7)


async def test_a_history_comes_as_near_as_exchanges_allow() -> None:
    async def count(messages: texts.Messages) -> int:
        return 10 * len(messages)

    assert await texts.exchanges_for(48, count) == 2
    assert await texts.exchanges_for(52, count) == 3
    assert await texts.exchanges_for(1, count) == 1


def test_histories_are_korean_and_english_and_begin_alike_for_nobody() -> None:
    first, second = texts.history("A", 2), texts.history("B", 2)
    assert first[0]["content"][0] != second[0]["content"][0]
    assert any("가" <= letter <= "힣" for letter in first[0]["content"])
    assert first[2]["content"].isascii()


def test_peers_that_are_not_there_say_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, embedded: ModelSpec
) -> None:
    monkeypatch.setattr(installs, "cache_folder", lambda: tmp_path)
    weights = Weights(embedded.path, NOT_CONVERTED)
    there, absent = peers.found(list(NAMES), weights, install=False)
    reasons = {each.name: each.reason for each in absent}
    assert {each.name for each in there} | reasons.keys() == set(NAMES)
    assert {OURS, LLAMA} <= {each.name for each in there}
    assert reasons[OURS_ONNX] == reasons[GENAI] == "not converted"
    assert "llama-cpp-python" in reasons[PYTHON]
    assert "transformers" in reasons[SERVE]


def test_an_installation_that_fails_gives_its_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(installs, "cache_folder", lambda: tmp_path)
    missing = installs.Recipe("none", str(tmp_path / "none.whl"))
    with pytest.raises(AbsentError, match=r"none\.whl cannot be installed: .*ERROR"):
        installs.environment(missing)
    with pytest.raises(AbsentError, match="no-install"):
        installs.environment(missing, install=False)


def test_the_last_error_is_the_reason() -> None:
    assert installs.last_words("start\nerror: no compiler\nbye\n") == "error: no compiler"
    assert installs.last_words("start\nbye\n") == "start / bye"
    assert installs.last_words("") == "no reason was given"


def test_weights_that_cannot_be_unpacked_are_a_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unpack, "cache_folder", lambda: tmp_path)
    file = tmp_path / "none.gguf"
    file.write_bytes(b"nothing")
    with pytest.raises(AbsentError, match=r"none\.gguf cannot be unpacked: .*Error"):
        unpack.unpacked(file)


@pytest.mark.parametrize("name", [*NAMES, *program.SCENARIOS])
def test_every_peer_and_scenario_is_described(name: str) -> None:
    assert f"`{name}`" in (ROOT / "docs" / "benchmarks.md").read_text(encoding="utf-8")


def a_stage(tmp_path: Path, run: Results) -> stage.Stage:
    return stage.Stage("scripted", [], tmp_path, stage.Wishes(), run, "streams")


def test_a_peer_that_fails_is_missing_and_ours_may_not(tmp_path: Path) -> None:
    run = results()
    on = a_stage(tmp_path, run)
    for reason in ("it\ndied", "refused"):
        with on.excusing(LLAMA):
            raise BenchmarkError(reason)
    [absence] = run.absent
    assert (absence.name, absence.reason, absence.scenario) == (LLAMA, "it died", "streams")
    with pytest.raises(BenchmarkError), on.excusing(OURS):
        raise BenchmarkError("no")


def test_turns_change_and_the_slow_have_one(tmp_path: Path) -> None:
    on = a_stage(tmp_path, results())
    on.peers = [peers.Peer(who, peers.MAKERS[OURS](Weights("scripted", NOT_CONVERTED), False).start,
                           who.name == PYTHON) for who in on.results.peers]  # fmt: skip
    servers = [Server(name, 1, 1, talk.OURS) for name in (OURS, LLAMA, PYTHON)]
    order = [(number, server.name) for number, server in on.rounds(servers)]
    assert order[:4] == [(0, OURS), (0, LLAMA), (0, PYTHON), (1, LLAMA)]
    assert [number for number, name in order if name == PYTHON] == [0]


def test_weights_are_read_once_a_token(embedded: ModelSpec, tmp_path: Path) -> None:
    file = Path(embedded.path)
    assert 0.9 < roofline.bytes_per_token(file) / file.stat().st_size < 1
    (tmp_path / "model.onnx").write_bytes(b"12")
    (tmp_path / "model.onnx.data").write_bytes(b"345")
    assert roofline.bytes_per_token(tmp_path) == 5
    assert roofline.read_bandwidth(2, 1 << 20) > 0


def test_unknown_names_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        program.main(["--only", "next_turn,tomorrow"])
    assert "tomorrow" in capsys.readouterr().err


@pytest.mark.weights
async def test_all_see_the_same_history(
    tmp_path: Path, smollm2_int8: Path, embedded: ModelSpec
) -> None:
    """Prompts of one length on every side, and each knows the talk the second time."""
    weights, history = Weights(embedded.path, smollm2_int8), texts.history("H", 2)
    lengths = {}
    for name in (OURS, OURS_ONNX, LLAMA, GENAI):
        folder = tmp_path / name.replace(" ", "")
        folder.mkdir()
        with peers.MAKERS[name](weights, False).start(folder, 1) as server:
            said = Talk(server, history)
            lengths[name] = (await said.say(texts.question(0), 4)).prompt_tokens
            again = await said.say(texts.question(1), 4)
        assert again.cached_tokens >= lengths[name]
    assert len(set(lengths.values())) == 1, lengths
