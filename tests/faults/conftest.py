"""Worker processes that can be killed, and a job to watch while that happens."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, Protocol
from uuid import UUID

import pytest
from psycopg.rows import scalar_row

from coursewright.db.pool import Pool, open_pool
from coursewright.queue import Job, JobQueue
from coursewright.settings import DatabaseSettings

PROGRAM = Path(__file__).with_name("worker_program.py")
# After so many seconds something hangs. No machine is so busy that the tests take as long by themselves.
HANG = 3_600.0
# The lease of workers that nobody kills: one that is kept waiting by a busy machine must not lose it.
LONG = 600.0


class Start(Protocol):
    """Start a worker process with a name, the seconds that each of its steps takes, and those of its leases.

    `redis`: it hears the bell there and nothing else. `clock`: what its clock is off by, such as `+1h` (with faketime).
    """

    def __call__(
        self, name: str, delay: float = 0.0, lease: float = LONG, *, redis: str = "", clock: str = ""
    ) -> "subprocess.Popen[bytes]": ...


def clock_off_by(shift: str) -> dict[str, str]:
    """Return the environment of a process whose clock is off; faketime itself would stand between it and signals."""
    words = ["faketime", "--exclude-monotonic", "-f", shift, "env"]
    told = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    named = dict(line.split("=", 1) for line in told.splitlines() if line.startswith(("LD_PRELOAD=", "FAKETIME")))
    named.pop("FAKETIME_SHARED", None)
    return os.environ | named


@contextmanager
def worker_processes(url: str) -> Iterator[Start]:
    """Lend a function that starts workers; all of them are ended afterwards."""
    started: list[subprocess.Popen[bytes]] = []

    def start(
        name: str, delay: float = 0.0, lease: float = LONG, *, redis: str = "", clock: str = ""
    ) -> "subprocess.Popen[bytes]":
        command = [sys.executable, str(PROGRAM), url, name, str(delay), str(lease), redis]
        process = subprocess.Popen(command, stderr=subprocess.DEVNULL, env=clock_off_by(clock) if clock else None)
        started.append(process)
        return process

    try:
        yield start
    finally:
        for process in started:
            process.send_signal(signal.SIGCONT)
            process.kill()
            process.wait()


@pytest.fixture
def start(database_url: str) -> Iterator[Start]:
    with worker_processes(database_url) as start:
        yield start


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
        async with asyncio.timeout(HANG):
            while not await self.ask(query, *parameters):  # noqa: ASYNC110 - the database is asked
                await asyncio.sleep(0.02)

    async def end(self, job_id: UUID) -> Job:
        await self.until("select status in ('completed', 'failed') from course_generation_jobs where id = %s", job_id)
        return await self.jobs.get(job_id)


@asynccontextmanager
async def fault_on(url: str) -> AsyncIterator[Fault]:
    """Lend a `Fault` on a server of one's own."""
    async with open_pool(url, DatabaseSettings()) as pool:
        yield Fault(pool)


@pytest.fixture
def fault(pool: Pool) -> Fault:
    return Fault(pool)
