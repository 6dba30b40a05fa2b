"""What lies on the disk: the data folder, the database, the file of keys, the weights."""

import os
import shlex
import stat
import sys
from collections.abc import Iterator
from pathlib import Path

from app import api_keys
from app.api_keys import KeysError
from app.commands.doctor.finding import Finding, fail, ok, warn
from app.commands.words import say
from app.config import Settings
from app.database import DatabaseUnusable
from app.database.look import look
from app.provider.plan import Wishes, compute_threads, plan
from app.serve import WITHOUT_WEIGHTS
from app.weights import ModelSpec, WeightsError, catalog, inventory, locate
from app.weights.facts import Facts, facts_of
from app.weights.memory import available_bytes
from app.weights.seeing import locate_seeing
from app.weights.sizes import human_bytes
from app.weights.store import free_bytes

LEAST_DISK = 1_000_000_000


def data_dir(settings: Settings) -> Finding:
    folder = settings.data_dir
    there = next(path for path in (folder, *folder.parents) if path.exists())
    free = free_bytes(folder)
    found = {"folder": folder, "free": human_bytes(free)}
    if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
        return fail("data_dir", "doctor_data_unwritable", say("doctor_fix_data"), **found)
    if free < LEAST_DISK:
        left = inventory.leftovers(folder)
        fix = "sllm models remove --leftovers" if left else say("doctor_fix_data_full")
        return warn("data_dir", "doctor_data_full", fix, **found)
    if folder.exists() and sys.platform != "win32" and folder.stat().st_mode & stat.S_IWOTH:
        return warn("data_dir", "doctor_data_open", f"chmod o-w {folder}", **found)
    return ok("data_dir", "doctor_data", **found)


def database(settings: Settings) -> Finding:
    """Looked at, never changed: the next start brings an older schema up to date."""
    try:
        found = look(settings.database_url, settings.data_dir)
    except DatabaseUnusable as error:
        return Finding("database", "fail", str(error), say("doctor_fix_database_url"))
    values = {"kind": found.kind, "reason": found.reason}
    key = f"doctor_database_{found.status}"
    match found.status:
        case "current" | "absent" | "older":
            return ok("database", key, **values)
        case "newer":
            return fail("database", key, say("doctor_fix_newer"), **values)
        case "unreachable":
            return fail("database", key, say("doctor_fix_postgresql"), **values)
    return fail("database", key, say("doctor_fix_damaged"), **values)


def keys(settings: Settings) -> Finding:
    path = settings.api_keys_file
    if path is None:
        return ok("api_keys", "doctor_keys_none")
    try:
        found = api_keys.read(path)
    except KeysError as error:
        return Finding("api_keys", "fail", say(error.text, **error.values), _other_keys(path))
    if not found:
        return fail("api_keys", "doctor_keys_empty", "sllm keys create", file=path.name)
    if sys.platform != "win32" and path.stat().st_mode & 0o077:
        return warn("api_keys", "doctor_keys_open", f"chmod 600 {path}", file=path.name)
    return ok("api_keys", "doctor_keys", count=len(found))


def _other_keys(path: Path) -> str:
    """A new file; what lies there is not written over, it may be somebody's only copy."""
    quoted = shlex.quote(str(path))
    make = f"sllm keys create --file {quoted}"
    if not path.exists():
        return make
    if path.is_file() and not os.access(path, os.R_OK):
        return f'sudo chown "$USER" {quoted}'
    return f"mv {quoted} {quoted}.old && {make}"


def weights(settings: Settings) -> Finding:
    """The text model: here, whole, and within this machine's memory."""
    name = settings.sllm_model_path
    if name == WITHOUT_WEIGHTS:
        return ok("weights", "doctor_weights", name=name, needed="0", free="-")
    try:
        spec = locate(name, settings.data_dir)
        if spec is None:
            chosen = name or catalog.default_entry().name
            return warn("weights", "doctor_weights_absent", _pull(chosen), name=chosen)
        return _fit("weights", spec, facts_of(Path(spec.path)), settings)
    except WeightsError as error:
        return Finding("weights", "fail", _words(error), say("doctor_fix_weights"))


def vision(settings: Settings) -> Iterator[Finding]:
    """The model that sees, where one is set."""
    name = settings.vision_model_path
    if not name or name == WITHOUT_WEIGHTS:
        return
    try:
        path = locate_seeing(name, settings.data_dir)
        spec = ModelSpec(id=path.name, path=str(path))
        yield _fit("vision", spec, facts_of(path), settings)
    except WeightsError as error:
        yield Finding("vision", "fail", _words(error), say("doctor_fix_weights"))


def leftovers(settings: Settings) -> Iterator[Finding]:
    found = inventory.leftovers(settings.data_dir)
    if found:
        size = human_bytes(sum(map(inventory.size_of, found)))
        command = "sllm models remove --leftovers"
        yield warn("leftovers", "doctor_leftovers", command, count=len(found), size=size)


def _fit(check: str, spec: ModelSpec, facts: Facts, settings: Settings) -> Finding:
    free = available_bytes()
    asked = Wishes(settings.context_length, settings.parallel_slots)
    chosen = plan(facts.footprint, asked, free - facts.extra_bytes, compute_threads())
    needed = chosen.needed_bytes + facts.extra_bytes
    values = {"name": spec.id, "needed": human_bytes(needed), "free": human_bytes(free)}
    if needed > free:
        return fail(check, "doctor_weights_too_big", say("doctor_fix_too_big"), **values)
    return ok(check, "doctor_weights", **values)


def _pull(name: str) -> str:
    return f"sllm models pull {name}"


def _words(error: WeightsError) -> str:
    return say(error.text, **error.values)
