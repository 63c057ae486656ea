"""Workers that are killed, stopped, hung and cut off: nothing is lost, nothing is completed twice."""

import asyncio
import contextlib
import signal
from pathlib import Path

import pytest

from coursewright.queue import JobStatus
from tests.faults.conftest import HANG, Fault, Start

pytestmark = pytest.mark.faults
SHORT = 2.0  # seconds of the leases that are to be lost


async def test_a_killed_workers_tasks_are_rescued(fault: Fault, start: Start) -> None:
    job_id = await fault.enqueue(["quick"] * 20)
    victim = start("victim", 3600, SHORT)
    await fault.until("select count(*) = 8 from coursewright.leases where worker_id = 'victim'")
    victim.kill()
    start("rescuer")
    job = await fault.end(job_id)
    assert (job.status, job.completed_tasks, job.failed_tasks) == (JobStatus.COMPLETED, 22, 0)
    assert await fault.ask("select count(*) = 8 from course_generation_tasks where rescues = 1")
    assert await fault.ask("select count(distinct task_id) = 21 and count(*) = 21 from executions")


async def test_a_stopped_worker_that_comes_back_changes_nothing(fault: Fault, start: Start) -> None:
    job_id = await fault.enqueue(["gated"] * 4)
    sleeper = start("sleeper", lease=SHORT)
    await fault.until("select count(*) = 4 from coursewright.leases where worker_id = 'sleeper'")
    sleeper.send_signal(signal.SIGSTOP)
    await fault.ask("create table gate ()")
    start("rescuer")
    await fault.end(job_id)
    assert await fault.ask("select count(*) = 5 from executions where worker = 'rescuer'")
    sleeper.send_signal(signal.SIGCONT)
    second = await fault.enqueue(["quick"] * 40)  # the sleeper is awake when this one ends
    await fault.end(second)
    outputs = "select bool_and(output_data ->> 'by' = 'rescuer') from course_generation_tasks where job_id = %s"
    assert await fault.ask(outputs + " and task_type = 'gated'", job_id)
    assert await fault.ask("select completed_tasks = total_tasks from course_generation_jobs where id = %s", job_id)


async def test_a_worker_that_is_told_to_stop_gives_back_what_computes(fault: Fault, start: Start) -> None:
    await fault.enqueue(["computing"] * 2)
    worker = start("worker")
    await fault.until("select count(*) = 2 from coursewright.leases")
    computing = await children(worker.pid)
    worker.send_signal(signal.SIGTERM)
    assert await asyncio.to_thread(worker.wait, HANG) == 0
    assert await fault.ask("select count(*) = 0 from coursewright.leases")
    assert await fault.ask(
        "select bool_and(status = 'queued' and rescues = 0 and current_retry_count = 0)"
        " from course_generation_tasks where task_type = 'computing'"
    )
    assert not any(map(is_alive, computing))


async def test_what_computes_for_a_killed_worker_ends(fault: Fault, start: Start) -> None:
    await fault.enqueue(["computing"] * 2)
    worker = start("worker")
    await fault.until("select count(*) = 2 from coursewright.leases")
    computing = await children(worker.pid)
    worker.kill()
    async with asyncio.timeout(HANG):
        while any(map(is_alive, computing)):  # noqa: ASYNC110 - they tell nobody of their end
            await asyncio.sleep(0.02)


async def children(pid: int) -> list[int]:
    """Return the subprocesses of a worker that has one at least, or soon will have."""
    listed = Path(f"/proc/{pid}/task/{pid}/children")
    async with asyncio.timeout(HANG):
        while not listed.read_text():  # noqa: ASYNC110, ASYNC240 - nobody tells of them
            await asyncio.sleep(0.02)
    return [int(each) for each in listed.read_text().split()]  # noqa: ASYNC240 - no disk is read


def is_alive(pid: int) -> bool:
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


async def test_a_step_that_never_returns_and_one_that_kills_fail_alone(fault: Fault, start: Start) -> None:
    job_id = await fault.enqueue(["quick", "endless", "deadly", "quick"], deadlines={"endless": 1})
    stopping = asyncio.Event()

    async def supervise(name: str) -> None:
        while not stopping.is_set():
            process = start(name, lease=SHORT)
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
        start(f"w{n}", lease=SHORT)
    for share in (50, 120, 200):
        await fault.until("select completed_tasks > %s from course_generation_jobs where id = %s", share, job_id)
        await fault.ask(
            "select count(pg_terminate_backend(pid)) from pg_stat_activity"
            " where datname = current_database() and query ~ 'executions|coursewright'"
            " and pid <> pg_backend_pid()"
        )
    job = await fault.end(job_id)
    assert (job.status, job.completed_tasks, job.failed_tasks) == (JobStatus.COMPLETED, 302, 0)


@pytest.mark.parametrize("workers, tasks", [(3, 400), pytest.param(8, 10_000, marks=pytest.mark.slow)])
async def test_many_workers_complete_many_tasks_once_each(fault: Fault, start: Start, workers: int, tasks: int) -> None:
    job_id = await fault.enqueue(["quick"] * tasks)
    for n in range(workers):
        start(f"w{n}")
    job = await fault.end(job_id)
    assert (job.status, job.completed_tasks, job.failed_tasks) == (JobStatus.COMPLETED, tasks + 2, 0)
    assert await fault.ask(
        "select count(*) = count(distinct task_id) and count(*) = %s and max(attempt) = 1 from executions", tasks + 1
    )
    assert await fault.ask("select bool_and(attempt = 1) from course_generation_tasks where job_id = %s", job_id)
