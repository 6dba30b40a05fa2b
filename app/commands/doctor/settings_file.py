"""The settings: mistakes that keep a server from starting, and those that are passed over."""

import os
from collections.abc import Iterator
from difflib import get_close_matches
from pathlib import Path

from dotenv.parser import parse_stream

from app.commands.doctor.finding import Finding, fail, ok, warn
from app.commands.words import say
from app.config import Settings, load_settings
from app.config_errors import CLIENT_NAMES, SettingsError

DOTENV = Path(".env")
NEAR = 0.84


def settings() -> tuple[Settings | None, list[Finding]]:
    """The settings, None when they cannot be used; and what is to be said of them."""
    try:
        found = load_settings()
    except SettingsError as error:
        lines = str(error).splitlines()
        return None, [
            Finding("settings", "fail", line, say("doctor_fix_settings")) for line in lines
        ]
    source = "doctor_settings_file" if DOTENV.is_file() else "doctor_settings"
    return found, [ok("settings", source), *_overlooked()]


def _overlooked() -> Iterator[Finding]:
    """Lines of `.env` that do nothing, though somebody wrote them to do something."""
    if not DOTENV.is_file():
        return
    known = {name.upper() for name in Settings.model_fields} | CLIENT_NAMES
    seen: dict[str, int] = {}
    with DOTENV.open(encoding="utf-8-sig") as file:
        for line in parse_stream(file):
            number = line.original.line
            if line.error:
                yield fail("env_file", "doctor_env_line", say("doctor_fix_env_line"), line=number)
            elif line.key is not None:
                yield from _named(line.key.upper(), number, known, seen)


def _named(name: str, number: int, known: set[str], seen: dict[str, int]) -> Iterator[Finding]:
    if name in seen:
        shown = {"name": name, "first": seen[name], "line": number}
        yield warn("env_file", "doctor_env_twice", say("doctor_fix_env_twice"), **shown)
    seen[name] = number
    near = get_close_matches(name, known, n=1, cutoff=NEAR)
    if name not in known and near:
        fix = say("doctor_fix_env_name", name=name, near=near[0])
        yield warn("env_file", "doctor_env_name", fix, name=name, line=number)
    if name in known and os.environ.get(name):
        yield ok("env_file", "doctor_env_covered", name=name)
