"""The documentation is true: commands exist, links resolve, snippets compile, generated pages are current."""

import importlib.util
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

import coursewright.errors

ROOT = Path(__file__).resolve().parent.parent
PAGES = sorted(
    [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("decisions/*.md"), *ROOT.glob("examples/*.md")]
)
FENCE = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)


def snippets(language: str) -> list[tuple[str, str]]:
    return [
        (str(page.relative_to(ROOT)), body)
        for page in PAGES
        for name, body in FENCE.findall(page.read_text(encoding="utf-8"))
        if name == language
    ]


def commands() -> list[tuple[str, str]]:
    return [
        (page, line.removeprefix("$ coursewright "))
        for page, body in snippets("console")
        for line in body.splitlines()
        if line.startswith("$ coursewright ")
    ]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_relative_links_resolve(page: Path) -> None:
    links = re.findall(r"\]\(([^)#\s]+)", re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL))
    missing = [link for link in links if "://" not in link and not (page.parent / link).exists()]
    assert not missing


def test_the_readme_names_the_folders_that_exist() -> None:
    table = [
        line.split("|")[1:3] for line in (ROOT / "README.md").read_text(encoding="utf-8").splitlines() if "/` " in line
    ]
    named = {name for left, _ in table for name in re.findall(r"`([^`]+)/`", left)}
    assert [name for name in sorted(named) if not (ROOT / name).is_dir()] == []
    (packages,) = (set(re.findall(r"`(\w+)`", right)) for left, right in table if "src/coursewright" in left)
    assert packages == {path.parent.name for path in (ROOT / "src" / "coursewright").glob("*/__init__.py")}


def test_python_snippets_compile() -> None:
    for page, body in snippets("python"):
        compile(body, page, "exec", flags=0x2000)  # PyCF_ALLOW_TOP_LEVEL_AWAIT


@pytest.mark.parametrize(("page", "command"), commands())
def test_commands_of_the_documentation_exist(page: str, command: str) -> None:
    subcommand, *words = shlex.split(command)
    nested = words[:1] if subcommand == "keys" else []
    done = subprocess.run(
        [sys.executable, "-c", "from coursewright.cli import main; main()", subcommand, *nested, "--help"],
        capture_output=True,
        text=True,
        env={"COLUMNS": "200", "NO_COLOR": "1", "TERM": "dumb", "PATH": ""},
    )
    assert done.returncode == 0, done.stderr
    absent = [word for word in words if word.startswith("--") and word.split("=")[0] not in done.stdout]
    assert not absent, f"{page}: {subcommand} has no {absent}"


def test_generated_pages_are_current() -> None:
    spec = importlib.util.spec_from_file_location("build_docs", ROOT / "scripts" / "build_docs.py")
    assert spec is not None
    assert spec.loader is not None
    build_docs = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(build_docs)
    for name, text in build_docs.pages().items():
        assert (build_docs.FOLDER / name).read_text(encoding="utf-8") == text, f"{name}: run `make docs`"


def test_troubleshooting_names_every_error() -> None:
    named = set(
        re.findall(r"^\| `(\w+)`", (ROOT / "docs/troubleshooting.md").read_text(encoding="utf-8"), re.MULTILINE)
    )
    classes = [value for value in vars(coursewright.errors).values() if isinstance(value, type)]
    codes = {error.code for error in classes if issubclass(error, coursewright.errors.CoursewrightError)}
    assert named == codes - {"error"}
