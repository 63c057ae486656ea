"""Races that real connections run on purpose, so often that a window of microseconds would be hit."""

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID

import psycopg
import pytest
from psycopg.types.json import Jsonb

from coursewright.db.pool import connect_sync
from tests.faults.conftest import HANG

pytestmark = pytest.mark.faults

_TWO_RUNNING = """
with job as (
    insert into course_generation_jobs (organisation_id, status, total_tasks)
    select gen_random_uuid(), 'processing', 3 from generate_series(1, %s) returning id),
task as (
    insert into course_generation_tasks (job_id, task_identifier, task_type, status, attempt, dependencies, needs)
    select j.id, v.name, 't', v.status, v.attempt, v.dependencies, 'settled' from job j cross join (values
        ('a', 'running', 1, '{}'::text[]), ('b', 'running', 1, '{}'), ('last', 'pending', 0, '{a,b}'))
        v (name, status, attempt, dependencies)
    returning id, job_id, task_identifier, attempt)
insert into coursewright.leases (task_id, job_id, organisation_id, attempt, worker_id, expires_at, deadline_at)
select t.id, t.job_id, coursewright.nobody(), 1, t.task_identifier, 'infinity', 'infinity'
  from task t where t.attempt = 1
"""


@pytest.mark.parametrize("how", ["complete", "fail"])
@pytest.mark.parametrize("times", [300, pytest.param(10_000, marks=pytest.mark.slow)])
def test_two_last_dependencies_that_end_together_unblock_what_follows(database_url: str, times: int, how: str) -> None:
    barrier = threading.Barrier(2)

    def complete(connection: psycopg.Connection[Any], job: UUID, task: UUID) -> None:
        done = Jsonb(
            [
                {
                    "job": str(job),
                    "task": str(task),
                    "attempt": 1,
                    "output": {},
                    "metadata": None,
                    "tasks": None,
                    "result": None,
                }
            ]
        )
        connection.execute("select coursewright.complete_tasks(%s, true)", [done])

    def fail(connection: psycopg.Connection[Any], _: UUID, task: UUID) -> None:
        connection.execute("select coursewright.fail_task(%s, 1, '0 s', 'c', 'm', null, 'low', false, null)", [task])

    def end(tasks: list[tuple[UUID, UUID]]) -> None:
        with connect_sync(database_url) as connection:
            for job, task in tasks:
                barrier.wait(HANG)
                (complete if how == "complete" else fail)(connection, job, task)

    with connect_sync(database_url) as connection:
        connection.execute(_TWO_RUNNING, [times])
        query = "select job_id, task_id from coursewright.leases where worker_id = %s order by job_id"
        sides = [connection.execute(query, [side]).fetchall() for side in ("a", "b")]
        with ThreadPoolExecutor(2) as threads:
            list(threads.map(end, sides))
        assert connection.execute(
            "select status, count(*) from course_generation_tasks where task_identifier = 'last' group by 1"
        ).fetchall() == [("queued", times)]
        column = "completed_tasks" if how == "complete" else "failed_tasks"
        row = connection.execute(
            f"select bool_and({column} = 2 and event_count = 2) from course_generation_jobs"  # noqa: S608
        ).fetchone()
        assert row == (True,)


@pytest.mark.parametrize("organisations", [1, 5])
def test_sixteen_connections_admit_every_entry_once_and_meet_no_false_empty(
    database_url: str, organisations: int
) -> None:
    entries = 16 * 20
    with connect_sync(database_url) as connection:
        connection.execute(
            """with job as (insert into course_generation_jobs (organisation_id)
                   select lpad((n %% %s)::text, 32, '0')::uuid from generate_series(1, %s) n returning id)
               insert into course_generation_queue (job_id, scheduled_for)
               select id, clock_timestamp() + random() * interval '0.2 s' from job""",
            [organisations, entries],
        )
        connection.execute("select pg_sleep(0.3)")  # some of them have fallen due since, unnoticed
        connection.execute("update coursewright.rotation set max_running = 1000")
        connection.execute("update coursewright.admission set max_running = 1000")
    barrier = threading.Barrier(16)

    def admit(_: int) -> list[str | None]:
        with connect_sync(database_url) as connection:
            barrier.wait(HANG)
            rows = [connection.execute("select dequeue_course_job('w') ->> 'job_id'").fetchone() for _ in range(20)]
            return [row[0] for row in rows if row]

    with ThreadPoolExecutor(16) as threads:
        got = [job for some in threads.map(admit, range(16)) for job in some]
    assert Counter(got).most_common(1)[0][1] == 1
    assert None not in got
    assert len(got) == entries
