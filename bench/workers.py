"""What an operator feels: how long until a killed worker's tasks go on, how long a start takes, what a worker weighs.

`python -m bench.workers URL NAME` is a worker whose steps do not end if it is called `victim`.
"""

import asyncio
import os
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg

from bench.report import Table
from coursewright.db.migrate import migrate
from coursewright.db.pool import connect_sync, open_pool
from coursewright.doorbells import NotifyDoorbell
from coursewright.queue import Done, Lease, Outcome, TaskSpec, Worker
from coursewright.queue.leases import Leases
from coursewright.settings import DatabaseSettings, WorkerSettings

FIRST = {"generate_course_v2": (TaskSpec("plan", "outline_generation", decisive=True),)}
JOB = """with j as (insert into course_generation_jobs (organisation_id) values (gen_random_uuid()) returning id)
         insert into course_generation_queue (job_id) select id from j returning job_id"""
TIMES = 3


async def work(url: str, name: str) -> None:
    async with open_pool(url, DatabaseSettings()) as pool:

        async def step(_: Lease) -> Outcome:
            await asyncio.sleep(3600 if name == "victim" else 0)
            return Done({})

        listen = NotifyDoorbell(url, DatabaseSettings()).listen
        worker = Worker(
            Leases(pool, FIRST), step, lambda: connect_sync(url), WorkerSettings(), name=name, listen=listen
        )
        await worker.run()


def _until(connection: psycopg.Connection[Any], query: str, *parameters: object) -> float:
    """Return when the answer was true, as a time of `time.monotonic`."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        row = connection.execute(query.encode(), parameters).fetchone()
        if row and row[0]:
            return time.monotonic()
        time.sleep(0.005)
    raise SystemExit(f"this did not come true: {query}")


def takeover(url: str) -> list[float]:
    """Kill a worker in the middle of a step, some seconds after its last heartbeat; return seconds to the takeover."""
    seconds = []
    command = [sys.executable, "-m", "bench.workers", url]
    with connect_sync(url) as connection:
        for _ in range(TIMES):
            victim = subprocess.Popen([*command, "victim"])
            row = connection.execute(JOB).fetchone()
            assert row
            leased = "select count(*) > 0 from coursewright.leases where job_id = %s and worker_id = %s"
            _until(connection, leased, row[0], "victim")
            other = subprocess.Popen([*command, "other"])
            time.sleep(random.uniform(5, 10))
            victim.kill()
            killed = time.monotonic()
            victim.wait()
            done = "select status = 'completed' from course_generation_jobs where id = %s"
            seconds.append(_until(connection, done, row[0]) - killed)
            other.kill()
            other.wait()
    return seconds


def obedience(url: str) -> list[float]:
    """Cancel jobs in the middle of a step, in plain SQL as another program does; return seconds to the step's end."""
    seconds = []
    with connect_sync(url) as connection:
        owner = subprocess.Popen([sys.executable, "-m", "bench.workers", url, "victim"])
        for _ in range(2 * TIMES):
            row = connection.execute(JOB).fetchone()
            assert row
            leases = "select count(*) {} from coursewright.leases where job_id = %s"
            _until(connection, leases.format("> 0"), row[0])
            time.sleep(random.uniform(0, 1))
            connection.execute("update course_generation_jobs set status = 'cancelled' where id = %s", row)
            written = time.monotonic()
            seconds.append(_until(connection, leases.format("= 0"), row[0]) - written)
        owner.kill()
        owner.wait()
    return seconds


def cold_worker(url: str) -> tuple[float, float]:
    """Start `coursewright worker` with a job waiting; return seconds to its first lease, and its MB when idle."""
    with connect_sync(url) as connection:
        connection.execute(
            "insert into course_generation_jobs (organisation_id, base_class_id) values (%s, %s)", [uuid4(), uuid4()]
        )
        connection.execute("insert into course_generation_queue (job_id) select id from course_generation_jobs")
        began = time.monotonic()
        environment = os.environ | {"DATABASE_URL": url}
        command = [sys.executable, "-m", "coursewright", "worker"]
        worker = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        leased = _until(connection, "select max(attempt) > 0 from course_generation_tasks") - began
        time.sleep(2)
        status = Path(f"/proc/{worker.pid}/status").read_text()
        resident = next(int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith("VmRSS"))
        worker.send_signal(signal.SIGTERM)
        worker.wait()
    return leased, resident


def command(folder: str) -> float:
    """Return the seconds of `coursewright jobs`."""
    began = time.monotonic()
    subprocess.run(
        [sys.executable, "-m", "coursewright", "jobs", "--json"], cwd=folder, check=True, stdout=subprocess.DEVNULL
    )
    return time.monotonic() - began


def measure(new_database: Callable[[], str]) -> list[Table]:
    """Return the table of workers."""
    urls = [new_database() for _ in range(2 + TIMES)]
    for url in urls:
        asyncio.run(migrate(url))
    killed, obeyed = takeover(urls[0]), obedience(urls[1])
    start, memory = (statistics.median(side) for side in zip(*(cold_worker(url) for url in urls[2:]), strict=True))
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        first, second = command(folder), command(folder)
    lease = WorkerSettings().lease_seconds
    return [
        Table(
            "Workers",
            f"Medians of {TIMES}. Takeover: from kill -9 of the owner to the task's completion by an idle worker, with "
            f"the default lease of {lease:.0f} s (longest of {TIMES}). Obedience: from the "
            "status `cancelled` in a job's row, written in plain SQL, to the end of its step (longest of "
            f"{2 * TIMES}); aim: 2 s.",
            ("what", "figure"),
            [
                ("takeover after kill -9", f"{max(killed):.1f} s"),
                ("a step ends after its job was cancelled", f"{max(obeyed):.2f} s"),
                ("`coursewright worker`, from its start to the first lease", f"{start:.2f} s"),
                ("memory of an idle worker", f"{memory:.0f} MB"),
                ("`coursewright jobs` in a fresh folder: Postgres is made, started and migrated", f"{first:.2f} s"),
                ("the same again, Postgres being started", f"{second:.2f} s"),
            ],
        )
    ]


if __name__ == "__main__":
    asyncio.run(work(sys.argv[1], sys.argv[2]))
