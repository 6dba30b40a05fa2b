"""Settings: where they come from, what is refused, and how the mistake is told."""

from pathlib import Path

import pytest

from app.config import Settings, load_settings
from app.config_errors import SettingsError
from app.config_example import example

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(autouse=True)
def clean(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No setting in the environment, and an empty working directory."""
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.chdir(tmp_path)


def mistakes() -> list[str]:
    with pytest.raises(SettingsError) as caught:
        load_settings()
    return str(caught.value).splitlines()


def test_defaults_are_the_documented_ones() -> None:
    settings = load_settings()
    assert (settings.host, settings.port, settings.workers) == ("127.0.0.1", 8000, 1)
    assert (settings.max_history_length, settings.page_size) == (100, 20)
    assert (settings.sllm_model_path, settings.context_length) == (None, None)
    assert settings.data_dir.is_absolute()
    assert settings.data_dir.name == "sllm"


def test_the_environment_wins_over_dotenv(monkeypatch: pytest.MonkeyPatch) -> None:
    Path(".env").write_text("PORT=9001\nPAGE_SIZE=7\n")
    monkeypatch.setenv("PORT", "9002")
    settings = load_settings()
    assert (settings.port, settings.page_size) == (9002, 7)


def test_a_dotenv_with_a_byte_order_mark_loses_no_line() -> None:
    Path(".env").write_bytes(b"\xef\xbb\xbfPORT=9001\r\n")
    assert load_settings().port == 9001


def test_an_empty_value_means_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", "")
    monkeypatch.setenv("RATE_LIMIT", "")
    assert (load_settings().port, load_settings().rate_limit) == (8000, None)


@pytest.mark.parametrize(
    ("text", "meaning"),
    [("yes", "true"), ("1", "true"), ("OFF", "false"), ("0", "false"), ("Required", "required")],
)
def test_use_gpu_takes_the_usual_words(
    monkeypatch: pytest.MonkeyPatch, text: str, meaning: str
) -> None:
    monkeypatch.setenv("USE_GPU", text)
    assert load_settings().use_gpu == meaning


def test_lists_are_separated_by_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALLOWED_HOSTS", "a.example, *.b.example,,[::1]")
    monkeypatch.setenv("CORS_ORIGINS", "https://a.example,http://localhost:3000")
    settings = load_settings()
    assert settings.allowed_hosts == ("a.example", "*.b.example", "[::1]")
    assert settings.cors_origins == ("https://a.example", "http://localhost:3000")


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("SLLM_MODLE_PATH", "SLLM_MODEL_PATH"),
        ("SLLM_PORT", "PORT"),
        ("SLLM_LOGLEVEL", "LOG_LEVEL"),
        ("sllm_workers", "WORKERS"),
    ],
)
def test_an_unknown_name_is_refused_with_the_nearest(
    monkeypatch: pytest.MonkeyPatch, name: str, nearest: str
) -> None:
    monkeypatch.setenv(name, "1")
    assert mistakes() == [f"{name.upper()}: there is no such setting; did you mean {nearest}?"]


def test_an_unknown_name_in_dotenv_is_refused_too() -> None:
    Path(".env").write_text("SLLM_MODEL=x\nOTHER_PROGRAM=1\n")
    assert mistakes() == ["SLLM_MODEL: there is no such setting; did you mean SLLM_MODEL_PATH?"]


def test_names_of_the_client_are_no_mistake(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLLM_URL", "http://127.0.0.1:8000")
    monkeypatch.setenv("SLLM_API_KEY", "sllm_x")
    load_settings()


@pytest.mark.parametrize(
    ("name", "text", "line"),
    [
        ("PORT", "65536", "PORT: too large; allowed: a whole number from 0 to 65535."),
        ("PAGE_SIZE", "0", "PAGE_SIZE: too small; allowed: a whole number from 1 to 100."),
        ("WORKERS", "two", "WORKERS: not a whole number; allowed: a whole number from 1 to 64."),
        ("WORKERS", "1.5", "WORKERS: not a whole number; allowed: a whole number from 1 to 64."),
        (
            "USE_GPU",
            "maybe",
            "USE_GPU: not one of its values; allowed: auto, true, false or required.",
        ),
        (
            "REQUIRE_API_KEYS",
            "perhaps",
            "REQUIRE_API_KEYS: not one of its values; allowed: true or false.",
        ),
    ],
)
def test_a_bad_value_is_one_line_with_name_reason_and_what_is_allowed(
    monkeypatch: pytest.MonkeyPatch, name: str, text: str, line: str
) -> None:
    monkeypatch.setenv(name, text)
    assert mistakes() == [line]


def test_every_mistake_is_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", "x")
    monkeypatch.setenv("LOG_LEVEL", "loud")
    assert [line.split(":")[0] for line in mistakes()] == ["PORT", "LOG_LEVEL"]


@pytest.mark.parametrize("origin", ["example.com", "https://a.example/path", "ftp://a", "https://"])
def test_an_origin_that_no_browser_sends_is_refused(
    monkeypatch: pytest.MonkeyPatch, origin: str
) -> None:
    monkeypatch.setenv("CORS_ORIGINS", f"https://fine.example,{origin}")
    assert mistakes()[0].startswith("CORS_ORIGINS: one of them is not an origin")


@pytest.mark.parametrize("host", ["http://a.example", "a.example/x", "a.example:80", "a b"])
def test_a_host_that_is_no_name_is_refused(monkeypatch: pytest.MonkeyPatch, host: str) -> None:
    monkeypatch.setenv("ALLOWED_HOSTS", host)
    assert mistakes()[0].startswith("ALLOWED_HOSTS: one of them is not a host name")


def test_required_keys_need_a_file_of_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REQUIRE_API_KEYS", "yes")
    (line,) = mistakes()
    assert line.startswith("REQUIRE_API_KEYS: needs API_KEYS_FILE")
    monkeypatch.setenv("API_KEYS_FILE", "keys.json")
    assert load_settings().api_keys_file == Path("keys.json").absolute()


def test_a_value_is_never_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.setenv(name.upper(), "hunter2://secret value")
    monkeypatch.setenv("SLLM_PASSWORD", "hunter2")
    told = mistakes()
    monkeypatch.delenv("SLLM_PASSWORD")
    assert "hunter2" not in "\n".join(told + mistakes())


def test_a_dotenv_that_is_no_text_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    Path(".env").write_bytes(b"PORT=\xff\xfe\n")
    assert mistakes() == [".env: not a UTF-8 text file; save it as UTF-8."]


def test_the_database_s_password_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://user:hunter2@localhost/db")
    settings = load_settings()
    assert settings.database_url is not None
    assert "hunter2" not in repr(settings)


def test_env_example_is_what_sllm_settings_prints() -> None:
    assert (ROOT / ".env.example").read_text() == example(Settings)


def test_env_example_taken_as_it_is_gives_the_defaults() -> None:
    lines = (ROOT / ".env.example").read_text().splitlines()
    values = [line[1:] for line in lines if line.startswith("#") and line[1:2].isupper()]
    assert [line.partition("=")[0].lower() for line in values] == list(Settings.model_fields)
    defaults = load_settings()
    Path(".env").write_text("\n".join(values))
    assert load_settings() == defaults
