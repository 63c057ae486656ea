"""The walk-through of docs/api.md runs as it stands, and its Next.js snippet covers the routes."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from coursewright.api.application import create_app
from tests.integration.api.conftest import HANDBOOK, settings_for
from tests.integration.api.server import serving

DOCS = Path(__file__).parents[3] / "docs"
PAGE, DEPLOYING = ((DOCS / name).read_text(encoding="utf-8") for name in ("api.md", "deploy.md"))
SHELL = "\n".join(re.findall(r"^```sh\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL))
SNIPPET = re.findall(r"^```js\n(.*?)^```", DEPLOYING, re.MULTILINE | re.DOTALL)[0]
# Pages of a front end call these; the rest is for operators.
PAGES = ("/api/course-generation", "/api/knowledge-base", "/api/courses")


def _described() -> dict[str, Any]:
    def never() -> object:
        raise AssertionError("only the description is asked for")

    return create_app(settings_for("postgresql://unused"), never).openapi()  # type: ignore[arg-type] # never called


ROUTES = _described()["paths"]


def _contents() -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield what is described as JSON (or as a form) to be sent, or to be answered when all is well."""
    for path, operations in ROUTES.items():
        for method, operation in operations.items():
            described = [("sent", operation.get("requestBody", {}))]
            described += [(s, answer) for s, answer in operation["responses"].items() if s.startswith("2")]
            for what, each in described:
                for kind, content in each.get("content", {}).items():
                    if kind in ("application/json", "multipart/form-data") and "schema" in content:  # else a file
                        yield f"{method} {path} {what}", content


@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")
def test_the_walk_through_ends_with_a_course(tmp_path: Path, database_url: str) -> None:
    (tmp_path / "handbook.md").write_bytes((HANDBOOK / "01-the-colony.md").read_bytes())
    with serving(database_url, tmp_path) as address:
        script = SHELL.replace("http://127.0.0.1:8000", address)
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script], cwd=tmp_path, capture_output=True, text=True, timeout=120,
            env={**os.environ, "NO_PROXY": "*"},
        )  # fmt: skip
    assert done.returncode == 0, done.stderr + done.stdout[-2000:]
    assert "event: job_completed" in done.stdout
    assert (tmp_path / "keeping-honey-bees.md").read_text(encoding="utf-8").startswith("# Keeping Honey Bees")


def test_the_rewrites_lead_every_route_to_its_like() -> None:
    rules = re.findall(r"source: '(.+?)', destination: `\$\{service\}(.+?)`", SNIPPET)
    assert rules
    for source, destination in rules:
        assert source == destination
    leads = [re.compile(source.replace(":path*", ".*") + "$") for source, _ in rules]
    for path in ROUTES:
        assert any(lead.match(path) for lead in leads) == path.startswith(PAGES), path


@pytest.mark.skipif(shutil.which("node") is None, reason="needs node")
def test_the_snippet_is_a_configuration(tmp_path: Path) -> None:
    (tmp_path / "next.config.mjs").write_text(SNIPPET)
    program = "import c from './next.config.mjs'; console.log((await c.rewrites()).beforeFiles[0].destination)"
    done = subprocess.run(
        ["node", "--input-type=module", "-e", program], cwd=tmp_path, capture_output=True, text=True,
        env={"PATH": os.environ["PATH"], "COURSEWRIGHT_URL": "https://courses.example"},
    )  # fmt: skip
    assert done.stdout.strip() == "https://courses.example/api/course-generation/:path*", done.stderr


def test_the_page_names_every_route() -> None:
    for path in ROUTES:
        last = path.replace("{baseClassId}", "").rstrip("/").rsplit("/", 1)[-1]
        part = path.rsplit("/", 2)[-2] if last.startswith("{") else last
        assert part in PAGE, path


@pytest.mark.parametrize("content", [pytest.param(content, id=name) for name, content in _contents()])
def test_what_is_sent_and_answered_has_an_example(content: dict[str, Any]) -> None:
    assert "example" in content
    schema = {**content["schema"], "components": _described()["components"]}
    jsonschema.Draft202012Validator(schema).validate(content["example"])
