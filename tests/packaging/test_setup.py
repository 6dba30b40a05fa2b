"""scripts/setup.sh in small: a checkout of its own whose only package is a wheel made here."""

import base64
import hashlib
import os
import shutil
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BASE_PYTHON: str = sys._base_executable  # type: ignore[attr-defined]
RUN = 'set -euo pipefail; source scripts/setup.sh; setup_venv "$1"; shift; exec "$python" -P "$@"'
# A Python whose venv cannot put pip inside, like Debian's without the package python3-venv.
NO_ENSUREPIP = """#!/bin/sh
case " $* " in
*" -m venv "*" --without-pip "*) ;;
*" -m venv "*) echo "ensurepip is not available" >&2; exit 1 ;;
esac
exec {python} "$@"
"""


@dataclass
class Checkout:
    """A folder with our set-up script; `python` is what it makes .venv from."""

    root: Path
    wheels: Path
    python: Path

    def run(self, kind: str, *arguments: str, **extra: str) -> subprocess.CompletedProcess[str]:
        """Set up for `kind`, then Python with `arguments`; nothing is fetched."""
        return subprocess.run(
            ["bash", "-c", RUN, "setup", kind, *arguments],
            cwd=self.root,
            env=self.environment() | extra,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("PIP_")}
        offline = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": self.wheels.as_uri()}
        return kept | offline | {"PIP_CONFIG_FILE": os.devnull, "PYTHON": str(self.python)}

    def require(self, kind: str, *packages: str) -> None:
        """Write requirements/`kind`.txt: these packages at version 1, with their hashes."""
        lines = [f"{name}==1 --hash=sha256:{make_wheel(self.wheels, name)}\n" for name in packages]
        (self.root / "requirements" / f"{kind}.txt").write_text("".join(lines))


def make_wheel(folder: Path, name: str) -> str:
    """A wheel of one module that says its name; returns its sha256."""
    path = folder / f"{name}-1-py3-none-any.whl"
    info = f"{name}-1.dist-info"
    files = {
        f"{name}.py": f"name = {name!r}\n",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = [f"{file},sha256={_digest(text)},{len(text)}" for file, text in files.items()]
    files[f"{info}/RECORD"] = "\n".join([*record, f"{info}/RECORD,,"]) + "\n"
    with zipfile.ZipFile(path, "w") as archive:
        for file, text in files.items():
            archive.writestr(zipfile.ZipInfo(file), text)
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _digest(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    root = tmp_path / "모델 서버"
    for folder in (root / "scripts", root / "requirements", root / "app", tmp_path / "wheels"):
        folder.mkdir(parents=True)
    shutil.copy(ROOT / "scripts" / "setup.sh", root / "scripts")
    (root / "app" / "__init__.py").touch()
    (root / "app" / "cli.py").write_text("import sys, sllmone; print('cli', *sys.argv[1:])\n")
    python = tmp_path / "python"
    python.write_text(NO_ENSUREPIP.format(python=BASE_PYTHON))
    python.chmod(0o755)
    made = Checkout(root, tmp_path / "wheels", python)
    made.require("runtime", "sllmone")
    made.require("dev", "sllmone", "sllmtwo")
    return made


def test_the_first_start_installs_and_the_second_does_nothing(checkout: Checkout) -> None:
    first = checkout.run("runtime", "-c", "import sllmone, app; print(sllmone.name)")
    assert (first.stdout, first.returncode) == ("sllmone\n", 0), first.stderr
    shutil.rmtree(checkout.wheels)
    second = checkout.run("runtime", "-c", "import sllmone; print(sllmone.name)")
    assert (second.stdout, second.stderr) == ("sllmone\n", "")


def test_the_development_set_also_serves_a_start(checkout: Checkout) -> None:
    assert checkout.run("dev", "-c", "import sllmone, sllmtwo").returncode == 0
    assert checkout.run("runtime", "-c", "import sllmone").stderr == ""


def test_changed_requirements_are_installed(checkout: Checkout) -> None:
    checkout.run("runtime", "-c", "")
    checkout.require("runtime", "sllmone", "sllmthree")
    assert checkout.run("runtime", "-c", "import sllmthree").returncode == 0


def test_an_interrupted_set_up_starts_over(checkout: Checkout) -> None:
    checkout.run("runtime", "-c", "")
    (checkout.root / ".venv.unfinished").touch()
    for module in checkout.root.glob(".venv/lib/*/site-packages/sllmone.py"):
        module.unlink()
    healed = checkout.run("runtime", "-c", "import sllmone; print(sllmone.name)")
    assert healed.stdout == "sllmone\n"
    assert not (checkout.root / ".venv.unfinished").exists()


def test_a_vanished_interpreter_is_replaced(checkout: Checkout) -> None:
    checkout.run("runtime", "-c", "")
    python = checkout.root / ".venv" / "bin" / "python"
    python.unlink()
    python.symlink_to("/nowhere/python")
    assert checkout.run("runtime", "-c", "print('back')").stdout == "back\n"


def test_what_does_not_match_its_hash_is_not_installed(checkout: Checkout) -> None:
    with zipfile.ZipFile(checkout.wheels / "sllmone-1-py3-none-any.whl", "a") as archive:
        archive.writestr("evil.py", "")
    refused = checkout.run("runtime", "-c", "print('started')")
    assert refused.returncode == 1
    assert refused.stdout == ""
    assert "THESE PACKAGES DO NOT MATCH THE HASHES" in refused.stderr


def test_a_failure_shows_the_reason_and_the_fix_and_the_next_start_heals(
    checkout: Checkout,
) -> None:
    failed = checkout.run("runtime", "-c", "", PIP_FIND_LINKS="")
    assert failed.returncode == 1
    assert "No matching distribution found for sllmone" in failed.stderr
    assert "PIP_INDEX_URL" in failed.stderr
    assert checkout.run("runtime", "-c", "import sllmone").returncode == 0


def test_settings_of_where_to_install_do_not_lead_astray(checkout: Checkout) -> None:
    elsewhere = str(checkout.root / "elsewhere")
    started = checkout.run("runtime", "-c", "import sllmone", PIP_USER="1", PIP_TARGET=elsewhere)
    assert started.returncode == 0, started.stderr
    assert not Path(elsewhere).exists()


def test_two_at_once_make_one_environment(checkout: Checkout) -> None:
    command = ["bash", "-c", RUN, "setup"]
    code = "import sllmone; print('ready')"
    both = [
        subprocess.Popen(
            [*command, kind, "-c", code],
            cwd=checkout.root,
            env=checkout.environment(),
            stdout=subprocess.PIPE,
            text=True,
        )
        for kind in ("runtime", "dev")
    ]
    assert [process.communicate(timeout=120)[0] for process in both] == ["ready\n", "ready\n"]
    assert checkout.run("dev", "-c", "import sllmone, sllmtwo").returncode == 0


def test_run_sh_works_from_elsewhere_and_through_a_link(checkout: Checkout) -> None:
    shutil.copy(ROOT / "run.sh", checkout.root)
    link = checkout.root.parent / "start"
    link.symlink_to(checkout.root / "run.sh")
    # A folder called app where the user stands must not be taken for ours.
    (checkout.root.parent / "app").mkdir()
    started = subprocess.run(
        [link, "--port", "1"],
        cwd=checkout.root.parent,
        env=checkout.environment(),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert started.stdout == "cli serve --port 1\n", started.stderr
    command = checkout.root / ".venv" / "bin" / "sllm"
    assert subprocess.check_output([command, "x"], cwd="/", text=True) == "cli x\n"


def test_no_suitable_python_is_told(checkout: Checkout) -> None:
    tools = checkout.root.parent / "tools"
    tools.mkdir()
    for tool in ("bash", "dirname", "flock", "grep", "env", "rm"):
        found = shutil.which(tool)
        if found:
            (tools / tool).symlink_to(found)
    bash = shutil.which("bash")
    assert bash
    told = subprocess.run(
        [bash, "-c", RUN, "./run.sh", "runtime", "-c", ""],
        cwd=checkout.root,
        env={"PATH": str(tools)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert told.returncode == 1
    assert "No Python 3.11, 3.12 or 3.13 found" in told.stderr
