"""Workers that are killed, stopped, hung and cut off: nothing is lost, nothing is completed twice."""

import asyncio
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from psycopg.rows import scalar_row

from coursewright.db.pool import Pool
from coursewright.queue import Job, JobQueue, JobStatus

pytestmark = pytest.mark.faults

PROGRAM = Path(__file__).with_name("worker_program.py")
Start = Callable[..., "subprocess.Popen[bytes]"]


@pytest.fixture
def start(database_url: str) -> Iterator[Start]:
    """Start a worker process; all of them are ended after the test."""
    started: list[subprocess.Popen[bytes]] = []

    def start(name: str, delay: float = 0.0) -> "subprocess.Popen[bytes]":
        process = subprocess.Popen(
            [sys.executable, str(PROGRAM), database_url, name, str(delay)], stderr=subprocess.DEVNULL
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.send_signal(signal.SIGCONT)
        process.kill()
        process.wait()


class Fault:
    """A job of many tasks, and questions about what became of them."""

    def __init__(self, pool: Pool) -> None:
        self.pool = pool
        self.jobs = JobQueue(pool)

    async def enqueue(self, kinds: list[str], **data: Any) -> UUID:
        await self.ask("create table if not exists executions (task_id uuid, attempt int, worker text)")
        return await self.jobs.enqueue("generate_course_v2", {"kinds": kinds, **data}, organisation_id=UUID(int=1))

    async def ask(self, query: str, *parameters: object) -> Any:
        async with self.pool.connection() as connection, connection.cursor(row_factory=scalar_row) as cursor:
            await cursor.execute(query.encode(), parameters)
            return await cursor.fetchone() if cursor.description else None

    async def until(self, query: str, *parameters: object) -> None:
        async with asyncio.timeout(120):
            while not await self.ask(query, *parameters):  # noqa: ASYNC110 - the database is asked
                await asyncio.sleep(0.02)

    async def end(self, job_id: UUID) -> Job:
        await self.until("select status in ('completed', 'failed') from course_generation_jobs where id = %s", job_id)
        return await self.jobs.get(job_id)


@pytest.fixture
def fault(pool: Pool) -> Fault:
    return Fault(pool)


LEASED = "select count(*) > 0 from coursewright.leases where worker_id = %s"


async def test_a_killed_workers_tasks_are_rescued(fault: Fault, start: Start) -> None:
    job_id = await fault.enqueue(["quick"] * 20)
    victim = start("victim", 3600)
    await fault.until("select count(*) = 8 from coursewright.leases where worker_id = 'victim'")
    victim.kill()
    start("rescuer")
    job = await fault.end(job_id)
    assert (job.status, job.completed_tasks, job.failed_tasks) == (JobStatus.COMPLETED, 22, 0)
    assert await fault.ask("select count(*) = 8 from course_generation_tasks where rescues = 1")
    assert await fault.ask("select count(distinct task_id) = 21 and count(*) = 21 from executions")


async def test_a_stopped_worker_that_comes_back_changes_nothing(fault: Fault, start: Start) -> None:
    job_id = await fault.enqueue(["quick"] * 4)
    sleeper = start("sleeper", 1.5)
    await fault.until("select count(*) = 4 from coursewright.leases where worker_id = 'sleeper'")
    sleeper.send_signal(signal.SIGSTOP)
    start("rescuer")
    await fault.end(job_id)
    assert await fault.ask("select count(*) = 5 from executions where worker = 'rescuer'")
    sleeper.send_signal(signal.SIGCONT)
    second = await fault.enqueue(["quick"] * 40)  # the sleeper is awake when this one ends
    await fault.end(second)
    outputs = "select bool_and(output_data ->> 'by' = 'rescuer') from course_generation_tasks where job_id = %s"
    assert await fault.ask(outputs + " and task_type = 'quick'", job_id)
    assert await fault.ask("select completed_tasks = total_tasks from course_generation_jobs where id = %s", job_id)


async def test_a_step_that_never_returns_and_one_that_kills_fail_alone(fault: Fault, start: Start) -> None:
    job_id = await fault.enqueue(["quick", "endless", "deadly", "quick"], deadline=1)
    stopping = asyncio.Event()

    async def supervise(name: str) -> None:
        while not stopping.is_set():
            process = start(name)
            while process.poll() is None and not stopping.is_set():  # noqa: ASYNC110 - it tells nobody of its end
                await asyncio.sleep(0.05)

    supervisor = asyncio.create_task(supervise("often-killed"))
    try:
        job = await fault.end(job_id)
    finally:
        stopping.set()
        await supervisor
    assert (job.status, job.failed_tasks, job.completed_tasks) == (JobStatus.COMPLETED, 2, 4)
    assert await fault.ask(
        "select bool_and(error_message like 'Poison%%') from course_generation_tasks"
        " where status = 'failed' and job_id = %s",
        job_id,
    )


async def test_connections_cut_under_load_cost_nothing(fault: Fault, start: Start) -> None:
    job_id = await fault.enqueue(["quick"] * 300)
    for n in range(3):
        start(f"w{n}")
    for share in (50, 120, 200):
        await fault.until("select completed_tasks > %s from course_generation_jobs where id = %s", share, job_id)
        await fault.ask(
            "select count(pg_terminate_backend(pid)) from pg_stat_activity"
            " where datname = current_database() and query ~ 'executions|coursewright'"
            " and pid <> pg_backend_pid()"
        )
    job = await fault.end(job_id)
    assert (job.status, job.completed_tasks, job.failed_tasks) == (JobStatus.COMPLETED, 302, 0)


@pytest.mark.slow
async def test_eight_workers_complete_ten_thousand_tasks_once_each(fault: Fault, start: Start) -> None:
    job_id = await fault.enqueue(["quick"] * 10_000)
    for n in range(8):
        start(f"w{n}")
    job = await fault.end(job_id)
    assert (job.status, job.completed_tasks, job.failed_tasks) == (JobStatus.COMPLETED, 10_002, 0)
    assert await fault.ask("select count(*) = count(distinct task_id) and count(*) = 10001 from executions")
