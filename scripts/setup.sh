# Makes .venv hold what requirements/*.txt say, once; sourced by run.sh and test.sh.
# Needs python3.11 to 3.13 with venv, pip >= 22.3 or virtualenv, and flock where there is one.
# `PYTHON=/path/to/python ./run.sh` chooses the interpreter when .venv is made.

root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd -P)
venv=$root/.venv
python=$venv/bin/python
# While this file exists, .venv is half made: an interrupted set-up starts over.
unfinished=$root/.venv.unfinished
supported='import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))'

say() { printf '%s\n' "$*" >&2; }

# setup_venv runtime|dev: afterwards $python can import what that set of requirements names.
setup_venv() {
    is_current "$1" && return
    lock
    is_current "$1" || make_current "$1"
    exec 9>&-
}

lock() {
    exec 9>"$root/.venv.lock"
    command -v flock >/dev/null || return 0
    flock -n 9 && return
    say "Another run.sh or test.sh is setting up .venv; waiting for it..."
    flock 9
}

# What a finished set-up leaves behind: the interpreter and the very requirements.
stamp() {
    "$python" -ISc 'import sys; print(sys.version, sys.base_prefix)' 2>/dev/null || return
    printf '%s\n' "$(<"$root/requirements/$1.txt")"
}

is_current() {
    [[ -x $python && ! -e $unfinished && -r $venv/.$1.stamp ]] &&
        [[ $(stamp "$1") == "$(<"$venv/.$1.stamp")" ]]
}

make_current() {
    local set=$1
    if [[ -e $unfinished ]] || ! "$python" -c "$supported" 2>/dev/null; then
        : >"$unfinished"
        make_venv
    fi
    : >"$unfinished"
    rm -f "$venv"/.*.stamp
    say "Installing $(grep -c == "$root/requirements/$set.txt") packages into .venv" \
        "(once; the first time downloads about 100 MB)..."
    install "$set"
    link_checkout
    # The development set contains the runtime set, at the same versions (tests/packaging).
    stamp runtime >"$venv/.runtime.stamp"
    [[ $set == runtime ]] || stamp "$set" >"$venv/.$set.stamp"
    rm -f "$unfinished"
    say "Ready: .venv has $("$python" --version)."
}

interpreters() {
    local candidate
    for candidate in ${PYTHON:+"$PYTHON"} python3.13 python3.12 python3.11 python3; do
        command -v -- "$candidate" >/dev/null && "$candidate" -c "$supported" 2>/dev/null &&
            printf '%s\n' "$candidate"
    done
    return 0
}

make_venv() {
    local base found="" output=""
    while IFS= read -r base; do
        found=$base
        output=$(try_venv "$base" 2>&1) && return
    done < <(interpreters)
    if [[ -z $found ]]; then
        say "No Python 3.11, 3.12 or 3.13 found. Install one (Debian, Ubuntu: apt install" \
            "python3 python3-venv), or name it: PYTHON=/path/to/python3 $0"
    else
        say "$output"
        say "$found cannot make a virtual environment. Install venv (Debian, Ubuntu: apt install" \
            "python3-venv), or pip 22.3 or later (apt install python3-pip), and try again."
    fi
    exit 1
}

# In turn: with pip inside; without, to be filled by the interpreter's own pip; virtualenv.
try_venv() {
    "$1" -m venv --clear "$venv" && pip --version && return
    "$1" -m venv --clear --without-pip "$venv" && pip --version && return
    "$1" -m virtualenv --clear "$venv" && pip --version
}

# The environment's own pip, or that of the interpreter it was made from. Indexes, proxies,
# certificates and caches are the user's settings; only where to install is not theirs to say.
pip() {
    local base
    base=$("$python" -c 'import sys; print(sys._base_executable)') || return
    local -a command=("$python" -m pip)
    "${command[@]}" --version >/dev/null 2>&1 || command=("$base" -m pip --python "$python")
    env -u PIP_TARGET -u PIP_PREFIX -u PIP_ROOT PIP_USER=0 PIP_REQUIRE_VIRTUALENV=0 \
        "${command[@]}" --no-input --disable-pip-version-check "$@"
}

install() {
    local output
    output=$(pip install --quiet --require-hashes -r "$root/requirements/$1.txt" 2>&1) && return
    say "$output"
    say "Setting up .venv failed; the reason is above. Behind a proxy set HTTPS_PROXY; with a" \
        "mirror of the package index set PIP_INDEX_URL; without a network run 'pip download" \
        "-r requirements/$1.txt -d wheels' on a like machine, copy wheels/ here, and set" \
        "PIP_NO_INDEX=1 PIP_FIND_LINKS=wheels. Then start again."
    exit 1
}

# The checkout itself: importable from anywhere, and the `sllm` command. Relative, so that no
# letter of the path matters and nothing has to be built.
link_checkout() {
    local site
    for site in "$venv"/lib/python3.*/site-packages; do
        printf '../../../..\n' >"$site/sllm.pth"
    done
    cat >"$venv/bin/sllm" <<'END'
#!/bin/sh
exec "$(dirname -- "$(readlink -f -- "$0")")/python" -P -m app.cli "$@"
END
    chmod +x "$venv/bin/sllm"
}

# PyTorch for the tests of `sllm convert`: by pip alone, since which of its builds suits a machine
# is for pip's settings to say (the ordinary one brings gigabytes of CUDA on Linux). Without it
# those tests are skipped and say so; TEST_CONVERT=0 does without.
setup_torch() {
    [[ ${TEST_CONVERT:-1} == 0 ]] && return
    "$python" -c 'from importlib.util import find_spec as f; f("torch") and f("accelerate") or 1/0' \
        2>/dev/null && return
    lock
    say "Installing PyTorch for the tests of sllm convert (once)..."
    pip install --quiet torch==2.13.0 'accelerate>=1.10,<2' ||
        say "PyTorch cannot be installed; the tests of sllm convert will be skipped."
    exec 9>&-
}

# A browser for the tests of the chat page and of the documents, where it can be had without asking:
# without one those tests are skipped and say so; TEST_BROWSER=0 does without.
setup_chromium() {
    [[ ${TEST_BROWSER:-1} == 0 ]] && return
    local name
    for name in chromium chromium-browser google-chrome-stable google-chrome; do
        command -v "$name" >/dev/null && return
    done
    [[ $(id -u) == 0 ]] && command -v apt-get >/dev/null || return 0
    lock
    say "Installing Chromium for the tests of the chat page (once)..."
    { apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends \
        chromium fonts-noto-cjk; } >/dev/null 2>&1 ||
        say "Chromium cannot be installed; the tests of the chat page will be skipped."
    exec 9>&-
}
