"""The HTTP API beside an application: its users ask, in its tables, and what they lack there is named."""

import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx2
import psycopg
import pytest

from coursewright.cli.exits import EXIT_CODES
from coursewright.db.migrate import migrate
from coursewright.db.pool import open_pool
from coursewright.settings import DatabaseSettings
from tests.e2e.command_line import CommandLine
from tests.integration.api.conftest import SMALL, Service, served
from tests.integration.supabase.conftest import USER
from tests.integration.supabase.programs import BASE, OURS
from tests.integration.supabase.test_project import BEFORE, FOREIGN

V2 = "/api/course-generation/v2"


@pytest.fixture
async def beside(project: str) -> AsyncIterator[Service]:
    await migrate(project)
    async with open_pool(project, DatabaseSettings()) as pool, served(pool, project) as service:
        yield service


async def _key(service: Service, organisation: UUID = OURS, user: str = USER) -> dict[str, str]:
    key, _ = await service.program.keys.create("k", organisation, UUID(user), "teacher")
    return {"Authorization": f"Bearer {key}"}


async def _upload(service: Service, headers: dict[str, str], base: UUID) -> None:
    for name in SMALL:
        content = (Path(__file__).parents[3] / "examples" / "knowledge-base" / name).read_bytes()
        answer = await service.anonymous.post(
            "/api/knowledge-base/upload", files={"file": (name, content)}, data={"base_class_id": str(base)},
            headers=headers,
        )  # fmt: skip
        assert answer.status_code == 202, answer.text
    await service.program.intake.drain()


async def test_from_a_file_to_a_course(beside: Service, project: str) -> None:
    headers = await _key(beside)

    async def call(method: str, path: str, status: int = 200, **request: Any) -> httpx2.Response:
        answer = await beside.anonymous.request(method, path, headers=headers, **request)
        assert answer.status_code == status, (path, answer.text)
        return answer

    await _upload(beside, headers, BASE)
    analysis = (await call("GET", V2, params={"baseClassId": str(BASE)})).json()["knowledgeBaseAnalysis"]
    assert analysis["totalDocuments"] == len(SMALL)
    asked = await call("POST", V2, 202, json={"baseClassId": str(BASE), "title": "Bees", "jobType": "generate_outline"})
    outline = asked.json()["jobId"]
    await beside.program.finish(UUID(outline))
    asked = await call("POST", V2, 202, json={"baseClassId": str(BASE), "courseOutlineId": outline})
    job = asked.json()["jobId"]
    await beside.program.finish(UUID(job))
    status = (await call("GET", f"/api/knowledge-base/generation-status/{job}")).json()["job"]
    assert (status["status"], status["user_id"]) == ("completed", USER)
    assert (await call("GET", f"/api/courses/{job}")).json()["course"]["title"] == "Bees"
    assert (await call("GET", f"/api/courses/{job}/export", params={"format": "markdown"})).content
    shown = (await call("GET", "/api/course-generation/active-jobs")).json()["jobs"]
    assert {each["id"] for each in shown[:2]} == {outline, job}
    assert str(FOREIGN) not in {each["id"] for each in shown}
    for act in ("pause_job", "resume_job", "cancel_job"):
        await call("POST", f"{V2}/user-action", 404, json={"jobId": str(FOREIGN), "actionType": act})
    await call("DELETE", f"{V2}/job/{FOREIGN}", 404)
    await call("POST", f"/api/course-generation/dismiss-job/{job}")
    await call("DELETE", f"/api/courses/{job}")
    await call("DELETE", f"/api/knowledge-base/{BASE}")
    with psycopg.connect(project) as connection:
        left = connection.execute("select id from course_generation_jobs").fetchall()
    assert left == [(FOREIGN,)]


async def test_what_the_application_does_not_have_is_named(beside: Service) -> None:
    stranger, elsewhere, unknown = uuid4(), uuid4(), uuid4()
    cases = (
        (await _key(beside, user=str(stranger)), BASE, 422, f"no user {stranger}", "keys create --user"),
        (await _key(beside, elsewhere), uuid4(), 422, f"no organisation {elsewhere}", "--organisation"),
        (await _key(beside), unknown, 404, f"no knowledge base {unknown}", "in the application first"),
    )
    for headers, base, status, told, hint in cases:
        await _upload(beside, headers, base)
        body = {"baseClassId": str(base)}
        answer = await beside.anonymous.post(V2, json=body, headers=headers | {"Idempotency-Key": "k"})
        problem = answer.json()
        assert answer.status_code == status, answer.text
        assert told in problem["error"]
        assert hint in problem["hint"]
    # Nothing is left of it: the same key asks anew.
    answer = await beside.anonymous.post(
        V2, json={"baseClassId": str(BASE)}, headers=await _key(beside) | {"Idempotency-Key": "k"}
    )
    assert answer.status_code == 202


async def test_what_refers_to_nobody_elsewhere_is_a_conflict(beside: Service, project: str) -> None:
    """As in the application's own table of what users did, where it has one."""
    with psycopg.connect(project, autocommit=True) as connection:
        connection.execute("alter table course_generation_user_actions add foreign key (user_id) references auth.users")
    headers = await _key(beside, user=str(uuid4()))
    answer = await beside.anonymous.post(f"/api/knowledge-base/jobs/{BEFORE}/health", headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (409, "conflict")


def test_a_key_must_name_one_of_the_applications_users(project: str, tmp_path: Path) -> None:
    def create(*options: str) -> "subprocess.CompletedProcess[str]":
        command = [sys.executable, "-m", "coursewright", "keys", "create", "app", *options]
        environment = {"DATABASE_URL": project, "HOME": str(tmp_path), "COLUMNS": "200"}
        return subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, check=False)

    for options in ([], ["--user", USER], ["--organisation", str(OURS)]):
        refused = create(*options)
        assert refused.returncode == 64, refused.stderr
        assert "--user (of auth.users) and --organisation" in refused.stderr
    made = create("--user", USER, "--organisation", str(OURS))
    assert made.returncode == 0, made.stderr
    assert made.stdout.startswith("cw_")


def test_courses_of_nobody_are_not_made_beside_an_application(project: str, tmp_path: Path) -> None:
    line = CommandLine(tmp_path, project)
    line.page()
    _, err = line.run("generate", "docs", code=EXIT_CODES["configuration"])
    assert "unset DATABASE_URL" in err
    with psycopg.connect(project) as connection:
        assert connection.execute("select count(*) from coursewright.documents").fetchone() == (0,)
