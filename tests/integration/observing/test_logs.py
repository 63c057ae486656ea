"""What real processes log: every line is JSON and says where it belongs; secrets and documents stay out of it."""

import asyncio
import contextlib
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx2
import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from coursewright.access import ApiKeys
from coursewright.db.pool import Pool
from tests.integration.api.server import serving

PLANTED = {
    "CRON_SECRET": "planted-cron-secret",
    "OPENAI_API_KEY": "planted-openai-key",
    "COURSEWRIGHT_PROVIDERS__OPENAI_BASE_URL": "http://127.0.0.1:9/v1",
    "COURSEWRIGHT_AUTH__JWT_SECRET": "planted-jwt-secret-of-32-characters",
    "COURSEWRIGHT_API__METRICS_TOKEN": "planted-metrics-token",
}
SECRETS = [value for value in PLANTED.values() if value.startswith("planted")]
PASSWORD = "planted-database-password"
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJwbGFudGVkIn0.cGxhbnRlZC1zaWduYXR1cmU"
WRITTEN = "The marmalade recipe of aunt Agatha stays in the family"


@contextlib.contextmanager
def worker(url: str, folder: Path, environment: Mapping[str, str]) -> Iterator[Path]:
    """Run `coursewright worker`; yield its log."""
    log = folder / "worker.log"
    environment = {**os.environ, **environment, "DATABASE_URL": url}
    with log.open("w") as stderr:
        process = subprocess.Popen(
            [sys.executable, "-m", "coursewright", "worker"], cwd=folder, env=environment, stderr=stderr
        )
    try:
        yield log
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=60) == 0


def lines(log: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in log.read_text().splitlines()]


def with_password(url: str) -> str:
    parts = conninfo_to_dict(url)
    return f"postgresql://{parts['user']}:{PASSWORD}@/{parts['dbname']}?host={parts['host']}"


async def until(pool: Pool, condition: str, *parameters: object) -> None:
    query = f"select {condition}".encode()
    async with asyncio.timeout(120), pool.connection() as connection:
        while not await _first(await connection.execute(query, parameters)):  # noqa: ASYNC110 - the database is asked
            await asyncio.sleep(0.05)


async def _first(cursor: psycopg.AsyncCursor[Any]) -> Any:
    return (await cursor.fetchone() or [None])[0]


async def plant_task(pool: Pool, kind: str, data: str) -> UUID:
    """Put a task under way whose step meets a surprise: what it is to read is not what it expects."""
    job = uuid4()
    async with pool.connection() as connection, connection.transaction():
        await connection.execute(
            "insert into public.course_generation_jobs (id, organisation_id, base_class_id, status, total_tasks, "
            "expected_tasks) values (%s, %s, %s, 'processing', 1, 1)", [job, uuid4(), uuid4()]
        )  # fmt: skip
        await connection.execute(
            "insert into public.course_generation_queue (job_id, status) values (%s, 'processing')", [job]
        )
        await connection.execute(
            "insert into public.course_generation_tasks (job_id, task_identifier, task_type, status, input_data, "
            "max_retry_count, decisive) values (%s, 'planted', %s, 'queued', %s, 0, true)", [job, kind, data]
        )  # fmt: skip
    return job


async def test_lines_say_where_they_belong_and_hold_no_secret(pool: Pool, database_url: str, tmp_path: Path) -> None:
    url, organisation = with_password(database_url), uuid4()
    key, _ = await ApiKeys(pool).create("test", organisation, uuid4(), "super_admin")
    headers = {"Authorization": f"Bearer {key}"}
    with (
        serving(url, tmp_path, "--workers", "0", environment=PLANTED) as address,
        worker(url, tmp_path, PLANTED) as log,
        httpx2.Client(base_url=address, headers=headers, timeout=60) as http,
    ):
        base = str(uuid4())
        page = f"# Marmalade\n\n{WRITTEN}. Oranges are boiled with sugar until the marmalade sets.\n" * 3
        files = {"file": ("marmalade.md", page.encode())}
        assert http.post("/api/knowledge-base/upload", files=files, data={"base_class_id": base}).status_code == 202
        asked = http.post("/api/course-generation/v2", json={"baseClassId": base, "author": "extractive"})
        job, request = asked.json()["jobId"], asked.headers["X-Request-Id"]
        for wrong in (JWT, "cw_planted-key-that-nobody-has", PLANTED["COURSEWRIGHT_API__METRICS_TOKEN"]):
            http.get("/api/course-generation/v2", headers={"Authorization": f"Bearer {wrong}"})
        await until(pool, "status in ('completed', 'failed') from course_generation_jobs where id = %s", job)
        plan = json.dumps({"plan": {"title": WRITTEN}})
        planted = await plant_task(pool, "lesson_section", plan)
        await until(pool, "status = 'failed' from course_generation_jobs where id = %s", planted)
    served, worked = tmp_path / "serve.log", log

    said = served.read_text() + worked.read_text()
    for secret in (*SECRETS, PASSWORD, JWT, key, "planted-key-that-nobody-has", WRITTEN, "marmalade"):
        assert secret not in said, secret
    of_job = [line for line in lines(worked) if line.get("job") == job]
    assert len(of_job) >= 2
    assert all(
        {"job", "task", "attempt", "organisation"} <= line.keys()
        for line in of_job
        if "Finished" not in line["message"]
    )
    assert {line["organisation"] for line in of_job if "organisation" in line} == {str(organisation)}
    (told,) = [line for line in lines(served) if line.get("request") == request]
    assert told["message"].startswith("POST /api/course-generation/v2 202 in ")
    (surprise,) = [line for line in lines(worked) if "exception" in line]
    assert (surprise["job"], surprise["task"], surprise["attempt"]) == (str(planted), "planted", 1)
    assert "ValidationError: " in surprise["exception"]
    assert "steps.py" in surprise["exception"]


@pytest.mark.parametrize("command", ["serve", "worker", "tick"])
def test_what_ends_a_process_is_a_line_of_its_log(command: str, tmp_path: Path) -> None:
    away = {"DATABASE_URL": "postgresql://nobody:planted-password@127.0.0.1:9/none"}
    words = [sys.executable, "-m", "coursewright", command]
    done = subprocess.run(words, cwd=tmp_path, env=os.environ | away, capture_output=True, text=True)
    assert done.returncode == 69
    (last,) = [json.loads(line) for line in done.stderr.splitlines()]
    assert last["level"] == "error"
    assert last["message"].startswith("Postgres cannot be reached: ")
    assert "is DATABASE_URL right?" in last["message"]


def test_a_line_for_people_is_short_unless_something_is_wrong() -> None:
    code = """
import logging
from coursewright.observing.logs import logged_as, write_logs
from coursewright.settings import LogSettings
write_logs(LogSettings(format="text"), ())
with logged_as(job="3f1c2a5e-8a57-5d7e-9b86-1f4b7e0c5a11", task="outline", attempt=1, organisation="6f0d"):
    for level in (logging.INFO, logging.WARNING):
        logging.getLogger("coursewright.x").log(level, "outline ended", extra={"kind": "k", "seconds": 1.0})
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    usual, wrong = done.stderr.splitlines()
    assert re.fullmatch(r"\d\d:\d\d:\d\d outline ended job=3f1c2a5e", usual)
    assert all(f"{name}=" in wrong for name in ("job", "task", "attempt", "organisation", "kind", "seconds"))


def test_a_person_at_a_terminal_reads_lines(database_url: str, tmp_path: Path) -> None:
    environment = {**os.environ, "DATABASE_URL": database_url, "COURSEWRIGHT_LOGS__FORMAT": "text"}
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("drop table coursewright.leases cascade")
    tick = [sys.executable, "-m", "coursewright", "tick", "--budget", "5"]
    done = subprocess.run(tick, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "{" not in done.stderr.splitlines()[0]
