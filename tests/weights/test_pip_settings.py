"""pip's settings, from its files and variables, as pip itself reads them."""

from pathlib import Path

import pytest

from app.weights import WeightsError
from app.weights.pip_settings import PipSettings, read_pip_settings

FILE = """
[global]
index-url = https://user:word@mirror.example/simple
extra-index-url =
    https://one.example/simple
    https://two.example/simple
timeout = 7
[download]
trusted-host = mirror.example
"""


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "pip.conf"
    path.write_text(FILE)
    monkeypatch.setenv("PIP_CONFIG_FILE", str(path))
    for name in ("INDEX_URL", "EXTRA_INDEX_URL", "DEFAULT_TIMEOUT", "TIMEOUT", "NO_INDEX", "CERT"):
        monkeypatch.delenv(f"PIP_{name}", raising=False)
    return path


def test_values_of_a_file(file: Path) -> None:
    settings = read_pip_settings()
    assert settings.index_urls == (
        "https://user:word@mirror.example/simple",
        "https://one.example/simple",
        "https://two.example/simple",
    )
    assert (settings.timeout, settings.trusted_hosts) == (7.0, ("mirror.example",))


def test_variables_come_before_files(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", "https://env.example/simple")
    monkeypatch.setenv("PIP_PROXY", "http://proxy.example:3128")
    settings = read_pip_settings()
    assert settings.index_urls[0] == "https://env.example/simple"
    assert settings.proxy_for_https == "http://proxy.example:3128"


def test_no_index_asks_none(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    assert read_pip_settings().index_urls == ()


def test_without_any_setting_pip_names_its_own_default(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    assert len(read_pip_settings().index_urls) == 1


def test_broken_file_is_said_without_its_path(file: Path) -> None:
    file.write_text("[global\nindex-url")
    with pytest.raises(WeightsError) as caught:
        read_pip_settings()
    assert caught.value.text == "weights_pip_unusable"
    assert str(file) not in str(caught.value)


def test_certificate_file_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "cert.pem").write_text("nothing")
    for cert in ("cert.pem", "missing.pem"):
        with pytest.raises(WeightsError) as caught:
            PipSettings(cert=str(tmp_path / cert)).tls()
        assert caught.value.text == "weights_pip_unusable"
