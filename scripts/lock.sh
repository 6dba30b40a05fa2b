#!/usr/bin/env bash
# For maintainers: resolves pyproject.toml into poetry.lock and exports it to requirements/*.txt.
# Needs Poetry >= 2.2 with poetry-plugin-export (and poetry-plugin-pypi-mirror where the package
# index has no JSON pages). Arguments go to `poetry lock`, for example `--regenerate`.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
poetry=${POETRY:-poetry}

# The index pip uses, asked of pip: no address is ever written into this repository.
index_url() {
    python3 -m pip config get global.index-url 2>/dev/null ||
        python3 -c 'from pip._internal.models.index import PyPI; print(PyPI.simple_url)'
}
export POETRY_PYPI_MIRROR_URL=${POETRY_PYPI_MIRROR_URL:-${PIP_INDEX_URL:-$(index_url)}}

"$poetry" lock "$@"
"$poetry" export --only main --format requirements.txt --output requirements/runtime.txt
"$poetry" export --with dev --extras convert --format requirements.txt --output requirements/dev.txt
