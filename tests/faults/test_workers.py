"""Workers that are killed, stopped, hung and cut off: nothing is lost, nothing is completed twice."""

import asyncio
import signal

import pytest

from coursewright.queue import JobStatus
from tests.faults.conftest import Fault, Start

pytestmark = pytest.mark.faults


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
