"""In a Supabase database beside an application: adopted, worked for, closed to those who have no business there."""

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest
from psycopg.conninfo import make_conninfo
from psycopg.rows import dict_row

from coursewright.app import Coursewright
from coursewright.db.migrate import migrate, pending, print_sql
from coursewright.errors import NotFound
from tests.integration.supabase.conftest import USER
from tests.integration.supabase.programs import BASE, OURS, insert, program

HANDBOOK = Path(__file__).parents[3] / "examples" / "knowledge-base"
BEFORE, FOREIGN = UUID(int=1), UUID(int=2)


@contextlib.contextmanager
def acting(url: str, role: str) -> "Iterator[psycopg.Connection[Any]]":
    """Lend a connection that acts as PostgREST does for a role."""
    with psycopg.connect(url, autocommit=True) as connection, connection.transaction():
        connection.execute(f"set local role {role}".encode())
        connection.execute("select set_config('request.jwt.claims', %s, true)", [json.dumps({"sub": USER})])
        yield connection


async def work(running: Coursewright) -> None:
    """Read what waits, work until nothing is left."""
    for name in ("01-the-colony.md", "05-inspections.md", "11-glossary.html"):
        await running.organisation(OURS).library.add(BASE, name, (HANDBOOK / name).read_bytes())
    await running.intake.drain()
    for _ in range(5):
        if (await running.tick(60, ring=False)).remaining == 0:
            return
    raise AssertionError("there is still work left")


async def test_it_is_adopted_and_what_waited_there_is_finished(project: str) -> None:
    await migrate(project)
    assert await pending(project) == []
    async with program(project) as running:
        await work(running)
        job = await running.jobs.get(BEFORE)
        assert (job.status, job.error_message) == ("completed", None)
        course, _ = await running.course(BEFORE)
        assert course.title == "From before"
        assert all(check.passed for check in await running.operations.checks())


async def test_jobs_of_other_types_are_neither_shown_nor_changed(project: str) -> None:
    """They are the application's own: it works on them, and says itself what became of them."""
    await migrate(project)
    before = _job(project, FOREIGN)
    async with program(project) as running:
        await work(running)
        assert _job(project, FOREIGN) == before
        ours = running.organisation(OURS)
        with pytest.raises(NotFound):
            await ours.jobs.get(FOREIGN)
        with pytest.raises(NotFound):
            await running.jobs.find(str(FOREIGN))
        with pytest.raises(NotFound):
            await ours.pages.job(FOREIGN)
        assert {row["id"] for row in await ours.pages.jobs(most=50)} == {BEFORE}
        assert {job.id for job in await running.jobs.newest()} == {BEFORE}
        for act in (ours.jobs.pause, ours.jobs.resume, ours.jobs.cancel, ours.pages.forget, ours.restart, ours.clear):
            with pytest.raises(NotFound):
                await act(FOREIGN)
        assert await running.take_in(FOREIGN, {"title": "Mine"}) is None
        assert _job(project, FOREIGN) == before
        await ours.library.forget(BASE)
        assert _job(project, FOREIGN) == before
        assert (await running.tick(5, ring=False)).remaining == 0
    with acting(project, "service_role") as connection:  # the application does it, in words that are ours, too
        for status in ("processing", "paused", "processing", "completed"):
            connection.execute("update course_generation_jobs set status = %s where id = %s", [status, FOREIGN])
            found = connection.execute("select status from course_generation_jobs where id = %s", [FOREIGN]).fetchone()
            assert found == (status,)
    done = _job(project, FOREIGN)
    assert {name for name in done if done[name] != before[name]} == {"status", "updated_at"}
    entries = "select status from course_generation_queue where job_id = %s order by 1"
    with psycopg.connect(project) as connection:
        logs = connection.execute("select count(*) from course_generation_logs where job_id = %s", [FOREIGN])
        assert logs.fetchone() == (0,)
        assert connection.execute(entries, [FOREIGN]).fetchall() == [("pending",)]


def _job(url: str, job_id: UUID) -> dict[str, Any]:
    with psycopg.connect(url, row_factory=dict_row) as connection:
        row = connection.execute("select * from course_generation_jobs where id = %s", [job_id]).fetchone()
    assert row is not None
    return row


async def test_the_applications_words_stay_allowed_beside_ours(project: str) -> None:
    await migrate(project)
    with psycopg.connect(project, autocommit=True) as connection:
        connection.execute("update public.course_generation_queue set status = 'stale' where status = 'stale'")
        connection.execute("update public.course_generation_jobs set status = 'paused' where id = %s", [BEFORE])
        with pytest.raises(psycopg.errors.CheckViolation):
            connection.execute("update public.course_generation_jobs set status = 'nonsense' where id = %s", [BEFORE])
        with pytest.raises(psycopg.errors.CheckViolation):
            connection.execute("update public.course_generation_jobs set progress_percentage = 101")


@pytest.mark.parametrize("role", ["service_role", "authenticated"])
async def test_rows_in_plain_sql_are_picked_up_and_finished(project: str, role: str) -> None:
    await migrate(project)
    with acting(project, role) as connection:
        good = insert(connection, {"title": "In plain SQL"})
        bad = insert(connection, {"title": "Bad", "lessonsPerWeek": "many"})
    async with program(project) as running:
        await work(running)
        job = await running.jobs.get(good)
        assert (job.status, job.error_message) == ("completed", None)
        failed = await running.jobs.get(bad)
        assert failed.status == "failed"
        assert failed.error_message is not None
        assert "lessonsPerWeek: Input should be a valid integer" in failed.error_message
        first, _ = await running.jobs.tasks(bad)
        assert first.attempt == 1  # at once, not after retries
    with acting(project, "authenticated") as connection:
        status = connection.execute("select status from course_generation_jobs where id = %s", [good]).fetchone()
        assert status == ("completed",)
        told = connection.execute("select count(*) from course_generation_logs where job_id = %s", [good]).fetchone()
        assert told is not None
        assert told[0] > 0


async def test_a_worker_of_the_application_may_still_dequeue(project: str) -> None:
    await migrate(project)
    with acting(project, "service_role") as connection:
        row = connection.execute("select public.dequeue_course_job(worker_id => 'worker-1')").fetchone()
    assert row is not None
    assert set(row[0]) == {"id", "job_id", "priority", "scheduled_for", "job"}
    assert row[0]["job_id"] == str(BEFORE)
    async with program(project) as running:  # it did nothing with it: the job is taken over after a lease
        with psycopg.connect(project, autocommit=True) as connection:
            connection.execute("update course_generation_queue set locked_at = now() - interval '1 hour'")
        await work(running)
        assert (await running.jobs.get(BEFORE)).status == "completed"


@pytest.mark.parametrize("role", ["anon", "authenticated"])
async def test_nobody_else_may_call_or_see_what_is_ours(project: str, role: str) -> None:
    await migrate(project)
    with pytest.raises(psycopg.errors.InsufficientPrivilege), acting(project, role) as connection:
        connection.execute("select public.dequeue_course_job('thief')")
    with pytest.raises(psycopg.errors.InsufficientPrivilege), acting(project, role) as connection:
        connection.execute("select * from coursewright.leases")
    with acting(project, role) as connection:
        open_ = connection.execute(
            """select p.oid::regprocedure::text from pg_proc p join pg_namespace n on n.oid = p.pronamespace
                where n.nspname in ('public', 'coursewright') and p.prosecdef
                  and has_schema_privilege(n.oid, 'usage') and has_function_privilege(p.oid, 'execute')"""
        ).fetchall()
        others = connection.execute(
            "select count(*) from course_generation_jobs where user_id <> %s", [USER]
        ).fetchone()
    assert open_ == []
    assert others == (0,)


async def test_pages_are_told_of_changes(project: str) -> None:
    await migrate(project)
    with psycopg.connect(project) as connection:
        rows = connection.execute(
            "select tablename from pg_publication_tables where pubname = 'supabase_realtime' order by 1"
        ).fetchall()
    assert [name for (name,) in rows] == [f"course_generation_{each}" for each in ("jobs", "logs", "tasks")]


async def test_readyz_fails_when_row_level_security_hides_everything(project: str, empty_database_url: str) -> None:
    """Connected as a role that sees no rows, a worker would wait for ever and nobody would know why."""
    await migrate(project)
    with psycopg.connect(empty_database_url, autocommit=True) as connection:
        connection.execute("create role blind login in role coursewright_api")
        connection.execute("grant select on all tables in schema coursewright to blind")
        try:
            async with program(make_conninfo(project, user="blind")) as running:
                failed = [check for check in await running.operations.checks() if not check.passed]
        finally:
            connection.execute("drop owned by blind")
            connection.execute("drop role blind")
    assert [check.name for check in failed] == ["row level security"]
    assert "does not see all rows" in failed[0].detail


async def test_the_printed_script_adopts_it_too(project: str) -> None:
    with psycopg.connect(project) as connection:
        connection.execute(print_sql().encode())
    assert await pending(project) == []
    assert await migrate(project) == []
