#!/usr/bin/env bash
# Starts the server, and sets up .venv before when needed. Arguments go to `sllm serve`.
set -euo pipefail
source "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/scripts/setup.sh"
setup_venv runtime
# -P: a folder called app in the working directory must not be taken for ours.
exec "$python" -P -m app.cli serve "$@"
