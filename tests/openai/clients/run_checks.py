"""Runs every `check_…` of one file in this process: `run_checks.py FILE SERVER` (JSON). Writes one
JSON object, from a check's name to what went wrong, or null.
"""

import contextlib
import importlib.util
import json
import sys
import traceback
from types import ModuleType, SimpleNamespace


def load(file: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location("checks", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    # pydantic looks here for the names in annotations.
    sys.modules["checks"] = module
    spec.loader.exec_module(module)
    return module


def main() -> None:
    server = SimpleNamespace(**json.loads(sys.argv[2]))
    outcomes: dict[str, str | None] = {}
    # Clients print; the outcome must stay alone.
    with contextlib.redirect_stdout(sys.stderr):
        module = load(sys.argv[1])
        for name in [name for name in dir(module) if name.startswith("check_")]:
            try:
                getattr(module, name)(server)
                outcomes[name] = None
            except Exception:  # noqa: BLE001 - whatever it is, the test shows it
                outcomes[name] = traceback.format_exc()
    json.dump(outcomes, sys.stdout)


if __name__ == "__main__":
    main()
