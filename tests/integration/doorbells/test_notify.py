"""NOTIFY wakes an idle worker at once; a listener that was cut off listens again. Polling takes ten minutes here."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import psycopg
import pytest
from psycopg.rows import scalar_row

from coursewright.db.pool import Pool, connect_sync
from coursewright.doorbells import NotifyDoorbell
from coursewright.queue import Done, JobQueue, Lease, Outcome, TaskSpec, Worker
from coursewright.queue.leases import Leases
from coursewright.settings import DatabaseSettings, WorkerSettings

FIRST = {"generate_course_v2": (TaskSpec("plan", "outline_generation", decisive=True),)}
LISTENS = """select count(*) = 1 from pg_stat_activity
              where datname = current_database() and query = 'listen coursewright'"""
CUT_OFF = "select pg_terminate_backend(pid) from pg_stat_activity where query = 'listen coursewright'"
IDLE = """select bool_and(state = 'idle' and state_change < clock_timestamp() - interval '0.5 s')
            from pg_stat_activity where datname = current_database() and application_name = 'coursewright'"""


@pytest.fixture
async def observer(database_url: str) -> AsyncIterator[psycopg.AsyncConnection[Any]]:
    """A connection that is not taken for one of the worker's."""
    async with await psycopg.AsyncConnection.connect(
        database_url, autocommit=True, application_name="observer", row_factory=scalar_row
    ) as connection:
        yield connection


async def until(observer: psycopg.AsyncConnection[Any], query: str, *parameters: object) -> None:
    async with asyncio.timeout(60):
        while not await (await observer.execute(query.encode(), parameters)).fetchone():  # noqa: ASYNC110
            await asyncio.sleep(0.02)


@pytest.fixture
async def worker(pool: Pool, database_url: str) -> AsyncIterator[Worker]:
    """A worker that looks at the queue every ten minutes, or when the bell rings."""

    async def step(lease: Lease) -> Outcome:
        return Done({})

    def connect() -> psycopg.Connection[Any]:
        return connect_sync(database_url)

    worker = Worker(
        Leases(pool, FIRST),
        step,
        connect,
        WorkerSettings(lease_seconds=600),
        poll_interval=600,
        listen=NotifyDoorbell(database_url, DatabaseSettings()).listen,
    )
    running = asyncio.create_task(worker.run())
    yield worker
    worker.stop()
    await running


@pytest.mark.usefixtures("worker")
async def test_a_job_is_begun_at_once_also_after_the_listener_was_cut_off(
    pool: Pool, observer: psycopg.AsyncConnection[Any]
) -> None:
    jobs = JobQueue(pool)
    done = "select status = 'completed' from course_generation_jobs where id = %s"
    for _ in range(2):
        await until(observer, LISTENS)
        await until(observer, IDLE)
        job_id = await jobs.enqueue("generate_course_v2", {}, organisation_id=UUID(int=1))
        await until(observer, done, job_id)
        await observer.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity where query = 'listen coursewright'"
        )


async def test_tasks_that_another_worker_makes_ready_ring(pool: Pool, database_url: str) -> None:
    rings = asyncio.Event()
    listening = asyncio.create_task(NotifyDoorbell(database_url, DatabaseSettings()).listen(rings.set))
    leases, jobs = Leases(pool, FIRST), JobQueue(pool)

    async def rung() -> None:
        async with asyncio.timeout(30):
            await rings.wait()
        rings.clear()

    await rung()  # it listens now
    job_id = await jobs.enqueue("generate_course_v2", {}, organisation_id=UUID(int=1))
    await rung()
    await leases.admit("w")
    await rung()
    lease = (await leases.claim("w", 1, 60))[0]
    await leases.complete(lease, Done({}, tasks=(TaskSpec("a", "lesson_section"),)))
    await rung()
    lease = (await leases.claim("w", 1, 60))[0]
    await leases.release(lease)
    await rung()
    await jobs.pause(job_id)
    await rung()
    listening.cancel()
    await asyncio.wait([listening])
