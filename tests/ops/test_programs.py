"""What is shipped for operators, judged by the programs that read it, where those are installed."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.docs.markdown import blocks
from tests.support import ROOT

DEPLOY = ROOT / "deploy"
OPERATIONS = ROOT / "docs" / "operations.md"


def run(program: str, *arguments: str | Path) -> None:
    """Skips where the program is not installed; fails with its own words."""
    found = shutil.which(program, path=f"{Path('/usr/sbin')}:{Path('/usr/bin')}")
    found = found or shutil.which(program)
    if found is None:
        pytest.skip(f"{program} is not installed")
    done = subprocess.run([found, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def block(info: str) -> str:
    (found,) = blocks(OPERATIONS, info)
    return found.text


def test_prometheus_takes_its_configuration_and_the_alerts() -> None:
    run("promtool", "check", "config", DEPLOY / "prometheus" / "prometheus.yml")


def test_prometheus_understands_every_query_of_the_dashboard(tmp_path: Path) -> None:
    dashboard = json.loads((DEPLOY / "grafana" / "sllm.json").read_text())
    targets = [target for panel in dashboard["panels"] for target in panel.get("targets", [])]
    queries = [re.sub(r"\$__\w+", "5m", target["expr"]) for target in targets]
    rules = [{"record": f"panel:{number}", "expr": each} for number, each in enumerate(queries)]
    # JSON is YAML, too.
    file = tmp_path / "rules.yml"
    file.write_text(json.dumps({"groups": [{"name": "panels", "rules": rules}]}))
    run("promtool", "check", "rules", "--lint=none", file)


def test_systemd_understands_the_unit(tmp_path: Path) -> None:
    unit = (DEPLOY / "sllm.service").read_text()
    # The command must be there; the rest is judged as it is.
    unit = unit.replace("/opt/sllm/.venv/bin/python", shutil.which("true") or "/bin/true")
    file = tmp_path / "sllm.service"
    file.write_text(unit)
    run("systemd-analyze", "verify", "--man=no", file)


def test_nginx_takes_the_block_that_is_shown(tmp_path: Path) -> None:
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    key, certificate = tmp_path / "sllm.key", tmp_path / "sllm.pem"
    subject = ("-subj", "/CN=sllm.example.com", "-keyout", key, "-out", certificate)
    run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", *subject)
    server = block("nginx").replace("/etc/nginx/tls", str(tmp_path))
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    temporary = " ".join(f"{kind}_temp_path {tmp_path}/{kind};" for kind in kinds)
    head = f"pid {tmp_path}/pid; error_log stderr; events {{}}\nhttp {{ access_log off;\n"
    file = tmp_path / "nginx.conf"
    file.write_text(f"{head}{temporary}\n{server}}}\n")
    run("nginx", "-t", "-p", tmp_path, "-c", file)


def test_caddy_takes_the_block_that_is_shown(tmp_path: Path) -> None:
    file = tmp_path / "Caddyfile"
    file.write_text(block("caddy"))
    run("caddy", "validate", "--adapter", "caddyfile", "--config", file)


def test_streams_are_not_held_up_by_the_proxies() -> None:
    assert "proxy_buffering off;" in block("nginx")
    assert "flush_interval -1" in block("caddy")
