#!/usr/bin/env bash
# Runs every check, sets up .venv before when needed. Arguments go to pytest.
set -euo pipefail
source "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/scripts/setup.sh"
setup_venv dev
setup_torch
setup_chromium
cd "$root"
# Hundreds of processes are started, which would each compile this checkout anew.
unset PYTHONDONTWRITEBYTECODE

summary=""
failed=0
check() {
    local name=$1 outcome=ok
    shift
    say "== $name"
    "$@" || { outcome=FAILED failed=1; }
    summary+="${summary:+, }$name $outcome"
}

typed=()
for folder in app tests benchmarks; do
    # mypy refuses a folder without a Python file.
    [[ -z $(find "$folder" -name '*.py' -print -quit 2>/dev/null) ]] || typed+=("$folder")
done

check "ruff check" "$python" -m ruff check .
check "ruff format" "$python" -m ruff format --check .
check "mypy" "$python" -m mypy --strict "${typed[@]}"
check "lint-imports" "$python" "$venv/bin/lint-imports"
check "pytest" "$python" -m pytest "$@"
printf '%s\n' "$summary"
exit "$failed"
