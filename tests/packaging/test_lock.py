"""poetry.lock, requirements/*.txt and pyproject.toml say the same, and name no address."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from packaging.markers import Marker, default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import app

ROOT = Path(__file__).resolve().parents[2]
GROUPS = {"runtime": {"main"}, "dev": {"main", "dev"}}
MACHINES = [
    {"sys_platform": "linux", "platform_system": "Linux", "platform_machine": "x86_64"},
    {"sys_platform": "linux", "platform_system": "Linux", "platform_machine": "aarch64"},
    {"sys_platform": "darwin", "platform_system": "Darwin", "platform_machine": "arm64"},
    {"sys_platform": "win32", "platform_system": "Windows", "platform_machine": "AMD64"},
]
# The extra `convert` is in the development set, since the tests convert; nobody else gets it.
EXTRA = {"runtime": "", "dev": "convert"}
HERE = {name: str(value) for name, value in default_environment().items()}
PYTHONS = ("3.11", "3.12", "3.13")


def locked() -> list[dict[str, Any]]:
    packages: list[dict[str, Any]] = tomllib.loads((ROOT / "poetry.lock").read_text())["package"]
    return packages


def exported(name: str) -> dict[str, tuple[Requirement, set[str]]]:
    """Requirement and hashes by name, from requirements/`name`.txt."""
    text = (ROOT / "requirements" / f"{name}.txt").read_text().replace("\\\n", " ")
    entries: dict[str, tuple[Requirement, set[str]]] = {}
    for line in filter(None, text.splitlines()):
        requirement = Requirement(line.split(" --hash=")[0].strip())
        hashes = set(re.findall(r"--hash=(sha256:[0-9a-f]{64})", line))
        entries[canonicalize_name(requirement.name)] = (requirement, hashes)
    return entries


def in_set(package: dict[str, Any], name: str) -> bool:
    """Whether the exported set `name` has it: some are only of the extra."""
    wanted = GROUPS[name] & set(package["groups"])
    only_extra = all(
        marker is not None and "extra ==" in str(marker) for marker in marker_of(package, wanted)
    )
    return bool(wanted) and (bool(EXTRA[name]) or not only_extra)


def marker_of(package: dict[str, Any], groups: set[str]) -> list[Marker | None]:
    """The markers under which `package` is wanted by one of `groups`; None: always."""
    markers = package.get("markers")
    wanted = groups & set(package["groups"])
    by_group = markers if isinstance(markers, dict) else dict.fromkeys(wanted, markers)
    texts = [by_group.get(group) for group in wanted]
    return [Marker(text) if text else None for text in texts]


@pytest.mark.parametrize("name", GROUPS)
def test_exported_names_versions_and_hashes_are_the_lock_s(name: str) -> None:
    expected = {
        canonicalize_name(package["name"]): (
            f"=={package['version']}",
            {file["hash"] for file in package["files"]},
        )
        for package in locked()
        if in_set(package, name)
    }
    found = {key: (str(req.specifier), hashes) for key, (req, hashes) in exported(name).items()}
    assert found == expected


@pytest.mark.parametrize("name", GROUPS)
def test_exported_markers_select_what_the_lock_selects(name: str) -> None:
    entries = exported(name)
    for package in locked():
        if not in_set(package, name):
            continue
        markers = marker_of(package, GROUPS[name])
        requirement = entries[canonicalize_name(package["name"])][0]
        assert requirement.marker is not None
        for python in PYTHONS:
            for machine in MACHINES:
                environment = {**HERE, **machine, "python_version": python, "extra": EXTRA[name]}
                wanted = any(marker is None or marker.evaluate(environment) for marker in markers)
                assert requirement.marker.evaluate(environment) == wanted, package["name"]


def test_the_runtime_set_is_part_of_the_development_set() -> None:
    development = exported("dev")
    for key, (requirement, hashes) in exported("runtime").items():
        assert development[key][0].specifier == requirement.specifier
        assert development[key][1] == hashes


def test_every_dependency_of_pyproject_is_locked_at_a_version_it_allows() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    versions = {canonicalize_name(package["name"]): package["version"] for package in locked()}
    wanted = [*project["project"]["dependencies"], *project["dependency-groups"]["dev"]]
    for requirement in map(Requirement, wanted):
        assert requirement.specifier.contains(versions[canonicalize_name(requirement.name)])


@pytest.mark.parametrize(
    "file", ["poetry.lock", "requirements/runtime.txt", "requirements/dev.txt"]
)
def test_no_address_is_written_down(file: str) -> None:
    text = (ROOT / file).read_text()
    assert not re.search(
        r"[a-z]+://|^\s*-(i|f|-index|-extra|-find)|^\[package\.source\]", text, re.MULTILINE
    )


def test_the_package_and_pyproject_agree_on_the_version() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["version"] == app.__version__
