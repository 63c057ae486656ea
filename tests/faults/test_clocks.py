"""Workers whose clocks are an hour off: time comes from the database, so it is as if they were right."""

import shutil
import subprocess
import sys
import time

import pytest

from coursewright.queue import JobStatus
from tests.faults.conftest import LONG, Fault, Start, clock_off_by

pytestmark = [
    pytest.mark.faults,
    pytest.mark.skipif(shutil.which("faketime") is None, reason="scripts/test_dependencies.sh installs faketime"),
]


def test_a_clock_can_be_shifted_here() -> None:
    words = [sys.executable, "-c", "import time; print(time.time())"]
    told = subprocess.run(words, capture_output=True, check=True, env=clock_off_by("+1h"))
    assert 3500 < float(told.stdout) - time.time() < 3700


async def test_workers_an_hour_ahead_and_behind_do_each_thing_once_and_in_time(fault: Fault, start: Start) -> None:
    later = await fault.enqueue(["quick"])
    # Half an hour from now: due by the clock of one of them.
    await fault.ask(
        "update course_generation_queue set scheduled_for = now() + interval '30 min' where job_id = %s", later
    )
    job_id = await fault.enqueue(["quick"] * 60)
    for name, clock in (("ahead", "+1h"), ("behind", "-1h"), ("right", None)):
        start(name, 0.15, clock=clock or "")
    job = await fault.end(job_id)
    assert (job.status, job.completed_tasks, job.failed_tasks) == (JobStatus.COMPLETED, 62, 0)
    assert await fault.ask("select count(*) = 61 and count(distinct task_id) = 61 from executions")
    assert await fault.ask("select count(distinct worker) = 3 from executions")
    # Nobody took a lease from another because of a clock, and nothing stands in the tables in anybody's own time.
    assert await fault.ask(
        "select bool_and(rescues = 0 and attempt = 1) from course_generation_tasks where job_id = %s", job_id
    )
    assert await fault.ask(
        """select bool_and(t.completed_at between now() - interval '10 min' and now() + interval '10 s'
                       and t.actual_duration_seconds between 0 and 600)
             from course_generation_tasks t where job_id = %s""",
        job_id,
    )
    assert await fault.ask(
        "select bool_and(abs(extract(epoch from e.created_at - j.updated_at)) < 600) from coursewright.events e"
        " join course_generation_jobs j on j.id = e.job_id"
    )
    assert (await fault.jobs.get(later)).status == "queued"
    await fault.ask("update course_generation_queue set scheduled_for = now() where job_id = %s", later)
    assert (await fault.end(later)).status == JobStatus.COMPLETED


async def test_a_lease_is_as_long_as_it_should_be_whatever_the_clock_of_its_worker(fault: Fault, start: Start) -> None:
    job_id = await fault.enqueue(["quick"] * 8)
    held = "select count(*) = 8 from coursewright.leases where worker_id = %s"
    length = """select bool_and(expires_at - heartbeat_at between %s * interval '0.99 s' and %s * interval '1.01 s'
                            and heartbeat_at between now() - interval '10 min' and now() + interval '1 s')
                  from coursewright.leases"""
    for name, clock in (("ahead", "+1h"), ("behind", "-1h")):
        process = start(name, 3600, clock=clock)
        await fault.until(held, name)
        assert await fault.ask(length, LONG, LONG)
        process.kill()
        process.wait()
        await fault.ask("update coursewright.leases set expires_at = clock_timestamp()")
    start("right")
    job = await fault.end(job_id)
    assert (job.status, job.failed_tasks) == (JobStatus.COMPLETED, 0)
    assert await fault.ask("select max(rescues) = 2 from course_generation_tasks")
