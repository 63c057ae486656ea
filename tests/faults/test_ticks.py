"""Hosts that kill by the clock: the application in a process that gets SIGKILL some seconds after a request began."""

import asyncio
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx2
import pytest

from coursewright.queue import Job
from tests.faults.conftest import Fault
from tests.loopback import listener
from tests.pgbouncer import needs_pgbouncer, pooler
from tests.qstash import CURRENT, signature

pytestmark = pytest.mark.faults
PROGRAM = Path(__file__).with_name("tick_program.py")
SECRET = "the secret of the timer"
WEBHOOK = "https://courses.example/process-course"


@dataclass
class Host:
    """A host that starts a process for each request and kills it `limit` seconds after the request began.

    A timer calls it; or QStash (at an address, with the messages that it was given), which calls for each message.
    """

    url: str
    limit: float
    budget: float
    least: float
    most: float
    qstash: tuple[str, list[tuple[str, dict[str, str], bytes]]] | None = None
    killed: int = 0
    seconds: list[float] = field(default_factory=list)

    def tick(self) -> dict[str, Any] | None:
        """Have one tick; None: it was killed before it answered."""
        path, headers, body = self._request()
        with self._process() as (process, address):
            killer = threading.Timer(self.limit, process.kill)
            killer.start()
            began = time.monotonic()
            try:
                answer = httpx2.post(f"{address}{path}", headers=headers, content=body, timeout=self.limit + 5)
            except httpx2.HTTPError:
                self.killed += 1
                return None
            finally:
                killer.cancel()
            self.seconds.append(time.monotonic() - began)
        if self.qstash and answer.status_code == 503:  # then it is delivered again
            self.qstash[1].append((f"/v2/publish/{WEBHOOK}", {}, body))
            return None
        assert answer.status_code == 200, answer.text
        told: dict[str, Any] = answer.json()
        return told

    def _request(self) -> tuple[str, dict[str, str], bytes]:
        """Return the next request: path, headers, body."""
        if self.qstash is None:
            return "/api/cron/process-courses", {"Authorization": f"Bearer {SECRET}"}, b""
        _, messages = self.qstash
        assert messages, "nobody has asked for another tick"
        path, headers, body = messages.pop(0)
        assert path == f"/v2/publish/{WEBHOOK}"
        assert "upstash-not-before" not in headers, "what is ready is not put off"
        return "/process-course", signature(body, WEBHOOK), body

    @contextmanager
    def _process(self) -> "Iterator[tuple[subprocess.Popen[str], str]]":
        variables = {**os.environ, "COURSEWRIGHT_TICKS__BUDGET": str(self.budget)}
        if self.qstash is None:
            variables["CRON_SECRET"] = SECRET
        else:
            variables |= {"WORKER_URL": WEBHOOK.removesuffix("/process-course"), "QSTASH_CURRENT_SIGNING_KEY": CURRENT}
            variables |= {"QSTASH_URL": self.qstash[0], "QSTASH_TOKEN": "q"}
        command = [sys.executable, str(PROGRAM), self.url, str(self.least), str(self.most)]
        process = subprocess.Popen(command, env=variables, stdout=subprocess.PIPE, text=True)
        assert process.stdout
        with process.stdout:
            try:
                yield process, f"http://127.0.0.1:{int(process.stdout.readline())}"
            finally:
                process.kill()
                process.wait()


async def finished(fault: Fault, host: Host, job_id: UUID, most: int) -> Job:
    """Have ticks until the job has ended."""
    for _ in range(most):
        host.tick()
        job = await fault.jobs.get(job_id)
        if job.status.is_final:
            return job
    raise AssertionError(f"{most} ticks were not enough: {job.completed_tasks} of {job.total_tasks} tasks")


async def repeated(fault: Fault) -> int:
    """Count the executions of steps that were done after another one of the same step had got through."""
    count: int = await fault.ask("select count(*) - count(distinct task_id) from executions")
    return count


async def made(fault: Fault, host: Host, job_id: UUID, most: int) -> None:
    """Have ticks until the course is made: none overran, and no step was carried out twice."""
    job = await finished(fault, host, job_id, most)
    assert job.status == "completed", job.error_message
    assert (job.total_tasks, job.completed_tasks) == (45, 45)
    assert host.killed == 0, "a tick was not over when its host killed it"
    assert max(host.seconds) <= host.budget
    assert await repeated(fault) == 0


up_to_ten_seconds = pytest.mark.parametrize(
    "limit, budget, least, most, ticks",
    [(3.0, 2.5, 0.1, 0.6, 40), pytest.param(10.0, 9.0, 1.0, 6.0, 60, marks=pytest.mark.slow)],
)


@pytest.mark.parametrize(
    "limit, budget, least, most, ticks",
    [
        (3.0, 2.5, 0.1, 0.6, 40),
        pytest.param(10.0, 9.0, 1.0, 6.0, 60, marks=pytest.mark.slow),
        pytest.param(60.0, 58.0, 1.0, 6.0, 10, marks=pytest.mark.slow),
        pytest.param(300.0, 295.0, 1.0, 6.0, 2, marks=pytest.mark.slow),
    ],
)
async def test_a_course_is_finished_on_a_host_that_kills(
    fault: Fault, database_url: str, limit: float, budget: float, least: float, most: float, ticks: int
) -> None:
    job_id = await fault.enqueue([])
    host = Host(database_url, limit, budget, least, most)
    await made(fault, host, job_id, ticks)
    assert await fault.ask("select count(*) from executions") == 45


@up_to_ten_seconds
async def test_the_same_where_nobody_but_qstash_calls(
    fault: Fault, database_url: str, limit: float, budget: float, least: float, most: float, ticks: int
) -> None:
    """There is one message at the beginning; each tick has to see to the next one before its time is up."""
    job_id = await fault.enqueue([])
    with listener() as (address, messages):
        messages.append((f"/v2/publish/{WEBHOOK}", {}, json.dumps({"jobId": str(job_id)}).encode()))
        host = Host(database_url, limit, budget, least, most, qstash=(address, messages))
        await made(fault, host, job_id, ticks)
        assert not messages, "a course that is finished needs no message"


@needs_pgbouncer
@up_to_ten_seconds
async def test_the_same_through_a_pooler_in_transaction_mode(
    fault: Fault, database_url: str, limit: float, budget: float, least: float, most: float, ticks: int
) -> None:
    """A host that kills leaves connections behind at the pooler, which lends theirs to the next tick."""
    job_id = await fault.enqueue([])
    with pooler(database_url) as url:
        host = Host(url, limit, budget, least, most)
        await made(fault, host, job_id, ticks)

        # One that is killed in the middle holds nothing for longer than its lease.
        another = await fault.enqueue([])
        killed = Host(url, limit=1.0, budget=60.0, least=30.0, most=30.0)
        assert killed.tick() is None
        await fault.ask("update coursewright.leases set expires_at = clock_timestamp()")
        host = Host(url, 9.0, 8.0, 0.01, 0.05)
        assert (await finished(fault, host, another, 4)).status == "completed"
        assert await repeated(fault) == 0


async def test_a_step_that_fits_no_tick_fails_its_job_and_says_what_to_do(fault: Fault, database_url: str) -> None:
    job_id = await fault.enqueue([])
    host = Host(database_url, limit=3.0, budget=2.0, least=5.0, most=5.0)
    job = await finished(fault, host, job_id, 3)
    assert job.status == "failed"
    assert job.error_message is not None
    assert "too short-lived" in job.error_message
    analysis, outline = await fault.jobs.tasks(job_id)
    assert (analysis.status, analysis.error_category) == ("failed", "host_too_short")
    assert analysis.recovery_suggestions is not None
    assert "coursewright worker" in analysis.recovery_suggestions[0]
    assert outline.status in ("skipped", "cancelled")
    assert host.killed == 0
    assert await fault.ask("select count(*) from executions") == 0
    # On a host without a limit the same job goes on.
    assert await fault.jobs.retry(job_id, [analysis.id]) == 1
    assert (await fault.jobs.get(job_id)).status == "queued"


async def test_a_tick_that_is_killed_costs_no_more_than_its_lease(fault: Fault, database_url: str) -> None:
    job_id = await fault.enqueue([])
    killed = Host(database_url, limit=1.0, budget=60.0, least=30.0, most=30.0)
    assert killed.tick() is None
    host = Host(database_url, limit=9.0, budget=8.0, least=0.01, most=0.05)
    await fault.ask("update coursewright.leases set expires_at = clock_timestamp()")
    job = await finished(fault, host, job_id, 3)
    assert job.status == "completed"
    assert await repeated(fault) == 0


async def test_overlapping_ticks_share_a_course(fault: Fault, database_url: str) -> None:
    job_id = await fault.enqueue([])
    hosts = [Host(database_url, 16.0, 15.0, 0.4, 0.6) for _ in range(2)]
    first = asyncio.create_task(asyncio.to_thread(hosts[0].tick))
    await fault.until("select count(*) = 45 from course_generation_tasks")  # from here on there is enough for two
    await asyncio.gather(first, asyncio.to_thread(hosts[1].tick))
    job = await finished(fault, hosts[0], job_id, 3)
    assert job.status == "completed"
    assert await repeated(fault) == 0
    assert await fault.ask("select count(distinct worker) from executions") >= 2


async def test_a_frozen_database_does_not_hold_a_tick_beyond_its_budget(fault: Fault, database_url: str) -> None:
    """Somebody locks the tables for good: no statement of the tick returns."""
    await fault.enqueue([])
    host = Host(database_url, limit=4.0, budget=3.0, least=0.1, most=0.1)
    async with fault.pool.connection() as connection, connection.transaction():
        await connection.execute("lock table coursewright.ticks, course_generation_tasks in access exclusive mode")
        told = host.tick()
    assert told is not None
    assert told["remaining"] is None
    assert host.killed == 0
