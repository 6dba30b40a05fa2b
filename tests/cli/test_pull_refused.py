"""What `sllm models pull` says when a hub refuses, is not there, or is something else."""

from pathlib import Path

import pytest

from tests.cli.support import sllm
from tests.weights.hub_pages import HubPages


@pytest.mark.parametrize(
    ("status", "code", "token", "words"),
    [
        (401, "RepoNotFound", "", "set HF_TOKEN"),
        (404, "RepoNotFound", "hf_x", "that the token may see"),
        (403, "GatedRepo", "", "accept its licence"),
        (404, "RevisionNotFound", "", "has no revision"),
        (401, "", "hf_x", "HF_TOKEN"),
        (500, "", "", "HTTP 500"),
    ],
)
def test_refusals_say_the_way_out(
    there: dict[str, str],
    hub: HubPages,
    tmp_path: Path,
    status: int,
    code: str,
    token: str,
    words: str,
) -> None:
    hub.refuse(status, code)
    with_token = there | ({"HF_TOKEN": token} if token else {})
    done = sllm(with_token, tmp_path, "models", "pull", "hf:maker/tiny")
    assert done.returncode == 1
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_a_gated_file_names_the_page_and_the_token(
    environment: dict[str, str], hub: HubPages, tmp_path: Path
) -> None:
    hub.gated = True
    hub.publish()
    hub.web.refusals[hub.path("tiny-Q4_K_M.gguf")] = (403, "GatedRepo")
    settings = environment | {"HF_ENDPOINT": hub.web.address, "NO_PROXY": "127.0.0.1"}
    done = sllm(settings, tmp_path, "models", "pull", "hf:maker/tiny")
    assert f"sign in at {hub.web.address}/maker/tiny" in done.stderr
    assert "HF_TOKEN" in done.stderr


def test_the_token_is_sent(there: dict[str, str], hub: HubPages, tmp_path: Path) -> None:
    sllm(there | {"HF_TOKEN": "hf_secret"}, tmp_path, "models", "pull", "hf:maker/tiny")
    headers = [{key.lower(): value for key, value in each.items()} for each in hub.web.seen]
    assert {each.get("authorization") for each in headers} == {"Bearer hf_secret"}


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"HF_ENDPOINT": "http://127.0.0.1:9"}, "cannot be reached for maker/tiny"),
        ({"HF_HUB_OFFLINE": "1"}, "HF_HUB_OFFLINE"),
    ],
)
def test_offline_is_told_in_plain_words(
    there: dict[str, str], tmp_path: Path, settings: dict[str, str], words: str
) -> None:
    done = sllm(there | settings, tmp_path, "models", "pull", "hf:maker/tiny")
    assert (done.returncode, words in done.stderr) == (1, True)
    assert "Traceback" not in done.stderr


def test_a_page_in_place_of_the_hub_is_told(
    environment: dict[str, str], hub: HubPages, tmp_path: Path
) -> None:
    hub.publish()
    for page in hub.web.pages.values():
        page.body, page.kind = b"<html>log in</html>", "text/html"
    settings = environment | {"HF_ENDPOINT": hub.web.address, "NO_PROXY": "127.0.0.1"}
    done = sllm(settings, tmp_path, "models", "pull", "hf:maker/tiny")
    assert (done.returncode, "HF_ENDPOINT" in done.stderr) == (1, True)
