"""`make setup` on machines where something is missing: it names what to install."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

NO_VENV = """case "$*" in *"import ensurepip, venv"*) exit 1 ;; esac"""
TOO_OLD = """case "$*" in *version_info*) exit 1 ;; --version) echo Python 3.9.2; exit ;; esac"""


@pytest.mark.parametrize(
    "fake, says",
    [
        (NO_VENV, ("python3 has no venv module", "apt install python3-venv")),
        (TOO_OLD, ("Python 3.9.2 is too old", "make PYTHON=python3.12 setup")),
        (None, ("There is no python3", "apt install python3")),
    ],
    ids=["no venv", "too old", "no python"],
)
def test_setup_says_what_is_missing(tmp_path: Path, fake: str | None, says: tuple[str, ...]) -> None:
    checkout, programs = tmp_path / "checkout", tmp_path / "bin"
    (checkout / "scripts").mkdir(parents=True)
    programs.mkdir()
    for name in ("Makefile", "pyproject.toml", "scripts/make_venv.sh"):
        shutil.copy(ROOT / name, checkout / name)
    for name in ("make", "bash", "sh", "env", "awk", "touch"):
        found = shutil.which(name)
        assert found, name
        (programs / name).symlink_to(found)
    if fake is not None:
        python = programs / "python3"
        python.write_text(f'#!/bin/sh\n{fake}\nexec {sys.executable} "$@"\n')
        python.chmod(0o755)
    setup = subprocess.run(
        ["make", "setup"],
        cwd=checkout,
        env={name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
        | {"PATH": str(programs)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert setup.returncode == 2, setup.stdout + setup.stderr
    for words in says:
        assert words in setup.stderr
    assert not (checkout / ".venv").exists()
