"""What is counted of requests and generations."""

import re

import httpx
import pytest

from app.metrics.instruments import Instruments
from tests.metrics.scrape import Page, Since, exported, scrape
from tests.support import PATIENCE, Server, events

TEXT = {"engine": "text"}
CANARY = "Zanzibarquux"


def test_an_answer_counts_its_request_and_its_tokens(scripted: Server) -> None:
    since = Since(scripted)
    usage = scripted.chat("#words=7 count me").json()["usage"]
    route = {"method": "POST", "route": "/api/v2/chat"}
    assert since.value("sllm_http_requests_total", **route, status="200") == 1
    assert since.value("sllm_http_request_duration_seconds_count", **route) == 1
    assert since.value("sllm_generations_total", **TEXT, outcome="stop") == 1
    assert since.value("sllm_completion_tokens_total", **TEXT) == 7
    assert since.value("sllm_prompt_tokens_total", **TEXT) == usage["prompt_tokens"]
    assert since.value("sllm_cached_tokens_total", **TEXT) == usage["cached_tokens"]


def test_a_prompt_that_a_slot_knows_counts_as_cached(scripted: Server) -> None:
    message = " ".join(f"word{number}" for number in range(40))
    scripted.chat(message)
    since = Since(scripted)
    cached = scripted.chat(message).json()["usage"]["cached_tokens"]
    assert cached > 0
    assert since.value("sllm_cached_tokens_total", **TEXT) == cached


def test_times_are_measured_once_for_each_generation(scripted: Server) -> None:
    since = Since(scripted)
    events(scripted, "#words=5")
    for name in ("queue_time_seconds", "prefill_time_seconds", "generation_duration_seconds"):
        assert since.value(f"sllm_{name}_count", **TEXT) == 1
    assert since.value("sllm_time_to_first_token_seconds_count", **TEXT) == 1
    assert since.value("sllm_inter_token_latency_seconds_count", **TEXT) == 4
    assert since.value("sllm_request_completion_tokens_sum", **TEXT) == 5


def test_a_client_that_leaves_is_a_cancelled_generation(scripted: Server) -> None:
    since = Since(scripted)
    body = {"message": "#words=2000 #pace=10", "max_tokens": 2000}
    with scripted.http.stream("POST", "/api/v2/chat/stream", json=body) as response:
        lines = response.iter_lines()  # to be held: without it httpx closes the connection
        while next(lines) != "event: token":
            pass
        scripted.wait_until(lambda: scrape(scripted).value("sllm_slots_busy", **TEXT) == 1)
        assert scrape(scripted).value("sllm_http_requests_in_progress") == 2
    cancelled = {**TEXT, "outcome": "cancelled"}
    scripted.wait_until(lambda: since.value("sllm_generations_total", **cancelled) == 1)
    assert since.value("sllm_completion_tokens_total", **TEXT) >= 1
    assert since.value("sllm_prompt_tokens_total", **TEXT) > 0
    route = {"method": "POST", "route": "/api/v2/chat/stream", "status": "499"}
    scripted.wait_until(lambda: since.value("sllm_http_requests_total", **route) == 1)


def test_errors_are_counted_by_code_in_answers_and_in_streams(scripted: Server) -> None:
    since = Since(scripted)
    scripted.http.post("/api/v1/chat", json={"message": "x", "unknown": 1})
    assert events(scripted, "#refuse")[-1][0] == "error"
    scripted.http.get("/health", headers={"Host": "evil.example"})
    for code in ("invalid_request", "invalid_parameter", "forbidden_host"):
        assert since.value("sllm_errors_total", code=code) == 1
    assert since.value("sllm_generations_total", **TEXT, outcome="failed") == 1


def test_a_context_that_was_cut_is_counted(scripted: Server) -> None:
    since = Since(scripted)
    turn = {"role": "user", "content": "word " * 1500}
    reply = {"role": "assistant", "content": "word " * 1500}
    scripted.chat("short", history=[turn, reply, turn, reply])
    assert since.value("sllm_context_cuts_total", **TEXT) == 1


UNKNOWN = ["/nowhere", f"/{CANARY}", "/api/v9/chat", "/api/v4/conversations/a/b/c/d/e"]


def test_paths_and_methods_of_nobody_are_one_label(scripted: Server) -> None:
    since = Since(scripted)
    for path in UNKNOWN:
        scripted.http.get(path)
    scripted.http.request("PROPFIND", "/health")
    unmatched = {"method": "GET", "route": "(unmatched)", "status": "404"}
    assert since.value("sllm_http_requests_total", **unmatched) == len(UNKNOWN)
    other = {"method": "OTHER", "route": "/health", "status": "405"}
    assert since.value("sllm_http_requests_total", **other) == 1


def test_routes_are_templates(scripted: Server) -> None:
    since = Since(scripted)
    scripted.http.get("/api/v4/conversations/conv_0123456789abcdef0123456789abcdef")
    scripted.http.get("/ui/static/icon.svg")
    for route, status in (
        ("/api/v4/conversations/{conversation_id}", "404"),
        ("/ui/static/{path:path}", "200"),
    ):
        labels = {"method": "GET", "route": route, "status": status}
        assert since.value("sllm_http_requests_total", **labels) == 1


def test_nothing_that_a_client_sends_is_shown(scripted: Server) -> None:
    headers = {"X-Request-ID": CANARY, "User-Agent": CANARY, "Authorization": f"Bearer {CANARY}"}
    body = {"message": CANARY, "system_prompt": CANARY, "metadata": {CANARY: CANARY}}
    answer = scripted.http.post("/api/v4/chat", json=body, headers=headers).json()
    scripted.http.get(f"/api/v3/prompt/templates/{CANARY.lower()}?x={CANARY}")
    page = scrape(scripted).text
    assert CANARY.lower() not in page.lower()
    assert answer["id"] not in page
    assert answer["conversation_id"] not in page


def test_every_metric_is_ours_and_explained(scripted: Server) -> None:
    scripted.chat("one")
    page = scrape(scripted)
    assert {exported(family) for family in Instruments().registry.collect()} <= page.names() | {
        "sllm_images_decoded_total"
    }
    for family in page.families:
        assert family.name.startswith("sllm_")
        assert family.documentation.endswith("."), family.name
        assert family.type in ("counter", "gauge", "histogram")


def test_label_values_are_few(scripted: Server) -> None:
    known = re.compile(r"[\w.:(){}/ +-]{0,80}")
    page = scrape(scripted)
    for family in page.families:
        for sample in family.samples:
            assert all(known.fullmatch(value) for value in sample.labels.values()), sample


def test_the_state_of_engine_database_and_build_is_shown(scripted: Server) -> None:
    page = scrape(scripted)
    assert page.value("sllm_ready") == 1
    assert page.value("sllm_engine_state", **TEXT, state="ready") == 1
    assert page.value("sllm_engine_state", engine="vision", state="not_configured") == 1
    assert page.value("sllm_database_up", kind="sqlite") == 1
    assert page.value("sllm_slots", **TEXT) == 4
    assert page.value("sllm_queue_limit", **TEXT) == 8
    assert page.value("sllm_engine_threads", **TEXT) == 1
    assert page.value("sllm_engine_resident_memory_bytes", **TEXT) > 1_000_000
    assert page.value("sllm_api_resident_memory_bytes") > 1_000_000
    (info,) = page.labels("sllm_model_info")
    assert info["model"] == "scripted"
    (build,) = page.labels("sllm_build_info")
    assert build["version"]


@pytest.mark.parametrize(
    "accept", ["*/*", "application/openmetrics-text;version=1.0.0", "text/plain;version=junk"]
)
def test_both_formats_are_spoken(scripted: Server, accept: str) -> None:
    answer = httpx.get(f"{scripted.url}/metrics", headers={"Accept": accept}, timeout=PATIENCE)
    openmetrics = accept.startswith("application/openmetrics-text")
    assert answer.text.endswith("# EOF\n") is openmetrics
    kind = "application/openmetrics-text" if openmetrics else "text/plain"
    assert answer.headers["content-type"].startswith(kind)
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.weights
def test_real_weights_count_real_tokens(smollm2_server: Server) -> None:
    since = Since(smollm2_server)
    usage = smollm2_server.chat("Say hello.", max_tokens=12, temperature=0).json()["usage"]
    assert since.value("sllm_prompt_tokens_total", **TEXT) == usage["prompt_tokens"]
    assert since.value("sllm_completion_tokens_total", **TEXT) == usage["completion_tokens"]
    page = scrape(smollm2_server)
    (info,) = page.labels("sllm_model_info")
    assert (info["format"], info["quantization"]) == ("gguf", "Q4_1")
    assert isinstance(page, Page)
