"""What a terminal shows: whole words, no colour where none is wanted, commands that can be pasted, a quick start."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from coursewright.app import Making
from coursewright.cli.exits import EXIT_CODES
from coursewright.cli.progress import making
from tests.e2e.command_line import CommandLine

# What takes long to import (pydantic belongs to Typer, which reads paths with it).
SLOW = {"numpy", "psycopg", "jwt", "structlog", "jinja2", "httpx2", "coursewright.app", "coursewright.settings"}
SCRIPT = Path(sys.executable).parent / "coursewright"


def run(folder: Path, *words: str | Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a program in a folder, with nothing of it on the PATH."""
    environment = {"HOME": str(folder), "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"} | variables
    return subprocess.run([*map(str, words)], cwd=folder, env=environment, capture_output=True, text=True, check=False)


def test_a_terminal_breaks_messages_at_words_and_elsewhere_they_are_one_line(tmp_path: Path) -> None:
    words = (SCRIPT, "open", "a course that nobody has made so far")
    whole = run(tmp_path, *words).stderr
    assert "There is no course in a course that nobody has made so far." in whole
    shown = run(tmp_path, *words, FORCE_COLOR="1", NO_COLOR="1", COLUMNS="30").stderr
    assert shown.split() == whole.split()
    lines = shown.splitlines()
    assert len(lines) > len(whole.splitlines())
    assert all(len(line) <= 30 or len(line.split()) == 1 for line in lines)


def test_no_color_means_no_dim_and_no_bold_either(tmp_path: Path) -> None:
    coloured = run(tmp_path, SCRIPT, "open", "nowhere", FORCE_COLOR="1", TERM="xterm").stderr
    plain = run(tmp_path, SCRIPT, "open", "nowhere", FORCE_COLOR="1", TERM="xterm", NO_COLOR="1").stderr
    assert "\x1b[1" in coloured
    assert "\x1b" not in plain


def test_commands_are_named_so_that_they_can_be_pasted(tmp_path: Path) -> None:
    def hint(*words: str | Path, path: str = "/usr/bin:/bin") -> str:
        return run(tmp_path, *words, "open", "nowhere", PATH=path).stderr.splitlines()[1].strip()

    assert hint(SCRIPT, path=f"{SCRIPT.parent}{os.pathsep}/usr/bin").startswith("coursewright generate")
    assert hint(SCRIPT).startswith(f"{SCRIPT} generate")
    assert hint(sys.executable, "-m", "coursewright").startswith(f"{sys.executable} -m coursewright generate")
    (tmp_path / ".venv").symlink_to(SCRIPT.parent.parent)
    assert hint(".venv/bin/coursewright").startswith(".venv/bin/coursewright generate")
    (tmp_path / "coursewright").symlink_to(SCRIPT)
    assert hint("./coursewright").startswith("./coursewright generate")


@pytest.mark.parametrize("words", [("--version",), ("--help",), ("generate", "--help"), ("open", "nowhere")])
def test_what_needs_no_database_starts_without_the_program(tmp_path: Path, words: tuple[str, ...]) -> None:
    assert _imported(run(tmp_path, sys.executable, "-X", "importtime", "-m", "coursewright", *words)) & SLOW == set()


def test_the_classifier_of_languages_is_loaded_only_where_a_language_is_told(tmp_path: Path) -> None:
    found = _imported(run(tmp_path, sys.executable, "-X", "importtime", "-c", "import coursewright.app"))
    assert "coursewright.app" in found
    assert found & {"numpy", "py3langid"} == set()


def test_what_is_being_made_is_named_once() -> None:
    assert making(Making("section_content", "Backups · On call", "Backups · On call")) == "Backups · On call"
    assert making(Making("section_content", "Forage", "Sugar syrup")) == "Forage › Sugar syrup"


def _imported(done: subprocess.CompletedProcess[str]) -> set[str]:
    """Return the modules that a run with `-X importtime` has told of."""
    return {line.rpartition("|")[2].strip() for line in done.stderr.splitlines() if line.startswith("import time:")}


def test_examples_can_be_pasted_and_what_may_be_left_out_stands_in_brackets(tmp_path: Path) -> None:
    page = run(tmp_path, SCRIPT, "provider-keys", "add", "--help", COLUMNS="80").stdout
    begun = page.index("coursewright provider-keys add openai")
    example = page[begun : page.index("\n  #", begun)]
    assert len(example.splitlines()) == 2
    told = subprocess.run(
        ["/bin/sh", "-c", f"coursewright() {{ printf '%s|' \"$@\"; }}; {example}"], capture_output=True
    )
    assert told.stdout == b"provider-keys|add|openai|--organisation|6f0d3c1e-8a57-5d7e-9b86-1f4b7e0c5a11|"
    assert "coursewright open [FOLDER] [OPTIONS]" in run(tmp_path, SCRIPT, "open", "--help").stdout
    assert "--no-probe" in run(tmp_path, SCRIPT, "models", "--help").stdout


def test_a_terminal_shows_ids_that_can_be_pasted(tmp_path: Path) -> None:
    line = CommandLine(tmp_path)
    line.documents("01*.md")
    job = line.run("generate", "docs", "--no-wait", "--title", "All that anybody ever has to know of bees")[0].strip()
    line.run("keys", "create", "a key with quite a long name", "--role", "super_admin")
    key = line.run("keys", "list")[0].split("\t")[0]
    line.environment |= {"FORCE_COLOR": "1", "COLUMNS": "64"}
    shown = line.run("jobs")[0].splitlines()[1]
    assert shown.split()[:3] == [job[:8], "queued", "0/0"]
    assert shown.rstrip().endswith("…")
    assert f"\n{key[:8]} " in line.run("keys", "list")[0]
    line.run("keys", "revoke", "nope", code=EXIT_CODES["not_found"])
    line.run("keys", "revoke", key[:8])
    assert "revoked" in line.run("keys", "list")[0]
