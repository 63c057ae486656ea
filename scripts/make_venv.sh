#!/usr/bin/env bash
# Makes .venv and installs the package into it, or says which system package is missing.
set -euo pipefail

python=${1:-python3}

if ! command -v "$python" >/dev/null; then
    echo "There is no $python. Install Python 3.11 or newer (Debian and Ubuntu: apt install python3)," >&2
    echo "or name another one: make PYTHON=/path/to/python3.12 setup" >&2
    exit 1
fi
if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
    echo "$("$python" --version) is too old: Coursewright needs Python 3.11 or newer." >&2
    echo "Name a newer one: make PYTHON=python3.12 setup" >&2
    exit 1
fi
if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
    version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
    echo "$python has no venv module. Debian and Ubuntu keep it in a package of its own:" >&2
    echo "    apt install python3-venv        (for another Python than the system's: python$version-venv)" >&2
    exit 1
fi

if ! .venv/bin/python -m pip --version >/dev/null 2>&1; then
    echo "Making .venv with $("$python" --version)"
    "$python" -m venv --clear .venv
fi
echo "Installing Coursewright and its development tools into .venv: half a minute to two minutes, by the network"
# uv installs in a fifth of pip's time. It reads no pip.conf: where only that knows the way to the packages, pip does it.
pip=(.venv/bin/python -m pip install --quiet)
if ! { "${pip[@]}" uv && VIRTUAL_ENV=$PWD/.venv .venv/bin/uv pip install --quiet --editable '.[dev]'; } 2>/dev/null; then
    "${pip[@]}" --upgrade pip
    "${pip[@]}" --editable '.[dev]'
fi
