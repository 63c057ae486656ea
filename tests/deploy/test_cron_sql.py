"""`deploy/supabase/cron.sql`: rings when there is work, at once and every minute, for the real service."""

import asyncio
import contextlib
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx2
import psycopg
import pytest

from coursewright.db.migrate import migrate
from tests.deploy.files import DEPLOY
from tests.deploy.service import BASE, CRON_SECRET, ENVIRONMENT, OURS, USER, finished, upload
from tests.integration.api.server import serving
from tests.plain_postgres import PROGRAMS, plain_postgres

HERE = Path(__file__).parent
SCRIPT = DEPLOY / "supabase" / "cron.sql"
UNDO = re.search(r"To undo it:\n((?:-- .*\n)+)", SCRIPT.read_text(encoding="utf-8"))


def with_cron() -> Path | None:
    """Return the folder of a server that has the real pg_cron (Debian: postgresql-15-cron), or None."""
    for path in PROGRAMS:
        if (
            int(path.parts[-3]) >= 15
            and Path(f"/usr/share/postgresql/{path.parts[-3]}/extension/pg_cron.control").exists()
        ):
            return path.parent
    return None


class Database:
    """A database with the script run in it, and a hand for what pg_cron and pg_net do in the background."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._connection = connection

    def run(self, text: str, *parameters: object) -> Any:
        cursor = self._connection.execute(text.encode(), parameters or None)
        row = cursor.fetchone() if cursor.description else None
        return row[0] if row else None

    def keep_secrets(self, address: str) -> None:
        self.run("select vault.create_secret(%s, 'coursewright_url')", address)
        self.run("select vault.create_secret(%s, 'coursewright_cron_secret')", CRON_SECRET)

    def minute(self) -> None:
        """Carry out the job as pg_cron does."""
        self.run(self.run("select command from cron.job where jobname = 'coursewright'"))

    def rings(self) -> list[tuple[str, dict[str, str], bytes]]:
        """Take the requests that pg_net would send."""
        rows = self._connection.execute("delete from net.http_request_queue returning url, headers, body").fetchall()
        return [(url, headers, body) for url, headers, body in rows]

    def insert(self, scheduled_for: str | None = None) -> str:
        job_id = uuid4()
        with self._connection.transaction():
            self.run(
                "insert into course_generation_jobs (id, user_id, organisation_id, base_class_id, job_type, job_data)"
                " values (%s, %s, %s, %s, 'generate_course_v2', '{\"title\": \"In plain SQL\"}')",
                job_id, USER, OURS, BASE,
            )  # fmt: skip
            self.run(
                "insert into course_generation_queue (job_id, scheduled_for) values (%s, %s)", job_id, scheduled_for
            )
        return str(job_id)


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    with psycopg.connect(database_url, autocommit=True) as connection:
        for name in ("extensions.sql", "cron.sql"):
            connection.execute((HERE / name).read_text().encode())
        connection.execute(SCRIPT.read_text().encode())
        connection.execute(SCRIPT.read_text().encode())  # it may be run again
        yield Database(connection)


def test_a_row_in_plain_sql_rings_at_once_and_becomes_a_course(
    database: Database, database_url: str, tmp_path: Path
) -> None:
    with serving(database_url, tmp_path, "--workers", "0", environment=ENVIRONMENT) as service:
        database.keep_secrets(service + "/")
        upload(service)
        job_id = database.insert()

        def deliver() -> None:
            for url, headers, body in database.rings():
                answer = httpx2.post(url, headers=headers, content=body, timeout=60)
                assert answer.status_code == 200, answer.text

        job = finished(service, job_id, deliver)
        assert (job["status"], job["error_message"]) == ("completed", None)
        database.minute()
        assert database.rings() == [], "nobody is woken for nothing"


def test_every_minute_rings_as_long_as_something_is_to_do(database: Database) -> None:
    database.keep_secrets("https://courses.example")
    database.minute()
    assert database.rings() == []
    later = database.insert("2099-01-01T00:00:00Z")
    database.minute()
    assert database.rings() == []  # its time will come
    database.run("update course_generation_queue set scheduled_for = now() where job_id = %s", later)
    database.minute()
    ((url, headers, body),) = database.rings()
    assert url == "https://courses.example/api/cron/process-courses"
    assert headers == {"Content-Type": "application/json", "Authorization": f"Bearer {CRON_SECRET}"}
    assert body == b"{}"
    for status, rings in (("processing", 1), ("paused", 0), ("completed", 0)):
        database.run("update course_generation_jobs set status = %s where id = %s", status, later)
        database.minute()
        assert len(database.rings()) == rings, status


def test_a_webhook_that_has_to_be_told_again_rings(database: Database) -> None:
    database.keep_secrets("https://courses.example")
    job = database.insert()
    database.run("update course_generation_jobs set status = 'completed' where id = %s", job)
    database.run("update course_generation_queue set status = 'completed'")
    database.rings()
    database.minute()
    assert database.rings() == []  # nobody has tried, so nobody is configured
    database.run("update coursewright.deliveries set attempts = 1, run_at = clock_timestamp() + interval '5 minutes'")
    database.minute()
    assert database.rings() == []
    database.run("update coursewright.deliveries set run_at = clock_timestamp() where way = 'webhook'")
    database.minute()
    assert len(database.rings()) == 1


def test_a_job_without_an_entry_and_a_document_ring_too(database: Database) -> None:
    database.keep_secrets("https://courses.example")
    other = database.run(
        "insert into course_generation_jobs (job_type, status) values ('translate_course', 'queued') returning id"
    )
    database.run("insert into course_generation_queue (job_id) values (%s)", other)
    for status in ("queued", "processing", "paused"):
        database.run("update course_generation_jobs set status = %s where id = %s", status, other)
        database.minute()
        assert database.rings() == [], status  # not ours
    database.run("insert into course_generation_jobs (job_type, status) values ('generate_outline', 'queued')")
    database.minute()
    assert len(database.rings()) == 1
    database.run("delete from course_generation_jobs")
    database.run(
        "insert into coursewright.knowledge_bases (id, organisation_id, name) values (%s, %s, 'b')", BASE, OURS
    )
    database.run(
        "insert into coursewright.documents (knowledge_base_id, name, sha256, bytes, status, background)"
        " values (%s, 'a.md', '', 1, 'queued', true)",
        BASE,
    )
    database.minute()
    assert len(database.rings()) == 1


def test_without_secrets_rows_are_kept_and_the_reason_is_told(database: Database) -> None:
    heard: list[str] = []
    database._connection.add_notice_handler(lambda notice: heard.append(notice.message_primary or ""))
    database.insert()
    assert database.run("select count(*) from course_generation_queue") == 1
    assert len(heard) == 1
    assert "coursewright_url" in heard[0]
    with pytest.raises(psycopg.errors.RaiseException, match="the Vault lacks"):
        database.minute()


def test_a_whole_statement_rings_once_and_a_scheduled_one_not(database: Database) -> None:
    database.keep_secrets("https://courses.example")
    database.run(
        "with j as (insert into course_generation_jobs (job_type) select 'generate_course_v2'"
        " from generate_series(1, 50) returning id) insert into course_generation_queue (job_id) select id from j"
    )
    assert len(database.rings()) == 1
    database.insert("2099-01-01T00:00:00Z")
    assert database.rings() == []


def test_nobody_else_may_ring(database: Database) -> None:
    open_ = database.run(
        "select count(*) from pg_proc p where p.pronamespace = 'coursewright'::regnamespace"
        " and p.proname in ('ring_service', 'work_is_due', 'ring_at_once')"
        " and has_function_privilege('coursewright_api', p.oid, 'execute')"
    )
    assert open_ == 0


def test_it_can_be_undone_as_it_says(database: Database) -> None:
    assert UNDO
    database.run(UNDO[1].replace("-- ", ""))
    database.insert()
    assert database.rings() == []
    assert database.run("select count(*) from cron.job") == 0


@pytest.mark.slow
@pytest.mark.skipif(with_cron() is None, reason="pg_cron is not installed (package postgresql-15-cron)")
async def test_the_real_pg_cron_takes_it_and_rings() -> None:
    binaries = with_cron()
    assert binaries
    options = "-c shared_preload_libraries=pg_cron -c cron.database_name=postgres -c cron.use_background_workers=on"
    with plain_postgres(binaries, options) as url:
        await migrate(url)
        with psycopg.connect(url, autocommit=True) as connection:
            database = Database(connection)
            database.run("create extension pg_cron")
            database.run((HERE / "extensions.sql").read_text())
            database.keep_secrets("https://courses.example")
            for _ in range(2):
                database.run(SCRIPT.read_text())
            assert database.run("select count(*) from cron.job where active") == 1
            database.insert()
            assert len(database.rings()) == 1  # at once
            deadline = time.monotonic() + 90
            while not (rung := database.rings()):
                assert time.monotonic() < deadline, database.run("select return_message from cron.job_run_details")
                await asyncio.sleep(1)
            assert rung[0][0] == "https://courses.example/api/cron/process-courses"
            with contextlib.suppress(psycopg.errors.UndefinedTable):
                assert (
                    database.run("select status from cron.job_run_details order by runid desc limit 1") == "succeeded"
                )
