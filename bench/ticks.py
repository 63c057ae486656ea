"""What hosts cost that end a request after some seconds: time lost to ticking, cold starts, the way from POST to work.

Each tick is a process of its own (the program of the tests that kill by the clock), one after the other, with steps of
1-6 s. `python -m bench.ticks URL` is the worker without a limit that they are compared with.
"""

import asyncio
import contextlib
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from uuid import UUID, uuid4

import httpx2

from bench.api import serving
from bench.report import Table
from coursewright.db.migrate import migrate
from coursewright.db.pool import connect_sync, open_pool
from coursewright.queue import JobQueue
from coursewright.settings import DatabaseSettings, Settings, WorkerSettings
from tests.faults.tick_program import program_of

PROGRAM = Path(__file__).parents[1] / "tests/faults/tick_program.py"
LIMITS = ((10, 9.0, 0.25), (60, 58.0, 0.05), (300, 297.0, 0.05))  # seconds: the host's, the budget; aim of loss
LEAST, MOST = 1.0, 6.0  # seconds of a step
POSTS, COLD = 50, 5
TIMER = "Bearer bench"
# What a serverless host does at its first request: import the application and call it, without a lifespan.
CALL = """
import asyncio
from coursewright.api.serverless import app
async def receive(): return {"type": "http.request", "body": b"", "more_body": False}
async def send(message): pass
headers = [(b"authorization", b"Bearer bench"), (b"host", b"bench")]
asyncio.run(app({"type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "POST", "scheme": "http",
    "path": "/api/cron/process-courses", "raw_path": b"/api/cron/process-courses", "root_path": "", "query_string": b"",
    "headers": headers, "client": ("127.0.0.1", 1), "server": ("bench", 80)}, receive, send))
"""


async def work(url: str) -> None:
    """Work on the same steps without a limit of time, until killed."""
    settings = Settings()
    async with open_pool(url, settings.database) as pool:
        program = program_of(settings, url, pool, LEAST, MOST)
        await program.work(program.worker())


async def _enqueue(url: str) -> UUID:
    async with open_pool(url, DatabaseSettings()) as pool:
        async with pool.connection() as connection:
            await connection.execute("create table if not exists executions (task_id uuid, attempt int, worker text)")
        return await JobQueue(pool).enqueue("generate_course_v2", {}, organisation_id=UUID(int=1))


def tick(url: str, budget: float) -> float:
    """Have one tick in a fresh process; return its seconds, from the start of the process to the answer."""
    variables = os.environ | {"CRON_SECRET": "bench", "COURSEWRIGHT_TICKS__BUDGET": str(budget)}
    began = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, str(PROGRAM), url, str(LEAST), str(MOST)], env=variables, stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout
        port = int(process.stdout.readline())
        httpx2.post(
            f"http://127.0.0.1:{port}/api/cron/process-courses",
            headers={"Authorization": TIMER},
            timeout=budget + 10,
        ).raise_for_status()
        return time.monotonic() - began
    finally:
        process.kill()
        process.wait()


def course_times(url: str) -> list[tuple[str, ...]]:
    """Return a row for a worker, and one for the ticks of each limit: seconds of the standard course of 45 tasks."""
    asyncio.run(migrate(url))
    rows: list[tuple[str, ...]] = []
    with connect_sync(url) as connection:

        def ended(job_id: UUID) -> bool:
            row = connection.execute("select status from course_generation_jobs where id = %s", [job_id]).fetchone()
            assert row
            assert row[0] != "failed"
            return bool(row[0] == "completed")

        job_id, began = asyncio.run(_enqueue(url)), time.monotonic()
        worker = subprocess.Popen([sys.executable, "-m", "bench.ticks", url])
        while not ended(job_id):
            time.sleep(0.05)
        whole = time.monotonic() - began
        worker.kill()
        worker.wait()
        rows.append(("none: a worker", "", "", "", f"{whole:.0f}", "", ""))
        for limit, budget, aim in LIMITS:
            job_id, times = asyncio.run(_enqueue(url)), []
            while not ended(job_id):
                times.append(tick(url, budget))
            cut = connection.execute("select sum(cut) from coursewright.ticks where budget_seconds = %s", [budget])
            row = cut.fetchone()
            assert row
            spent = sum(times)
            rows.append(
                (
                    f"{limit} s",
                    f"{budget:g} s",
                    str(len(times)),
                    str(row[0]),
                    f"{spent:.0f}",
                    f"{1 - whole / spent:.0%}",
                    f"{aim:.0%}",
                )
            )
    return rows


def cold_start(url: str) -> float:
    """Return the seconds from the start of a process to the first lease of the tick that it is asked for."""
    asyncio.run(migrate(url))
    with connect_sync(url) as connection:
        connection.execute(
            "with j as (insert into course_generation_jobs (organisation_id, base_class_id) values (%s, %s)"
            " returning id) insert into course_generation_queue (job_id) select id from j",
            [uuid4(), uuid4()],
        )
        variables = os.environ | {"DATABASE_URL": url, "CRON_SECRET": "bench", "COURSEWRIGHT_TICKS__BUDGET": "20"}
        began = time.time()
        process = subprocess.Popen([sys.executable, "-c", CALL], env=variables, stderr=subprocess.DEVNULL)
        assert process.wait() == 0
        row = connection.execute(
            "select extract(epoch from min(started_at))::float from course_generation_tasks"
        ).fetchone()
    assert row
    return float(row[0]) - began


async def to_the_first_task(url: str) -> list[float]:
    """Return milliseconds from sending a POST to the moment when a worker has its first task."""
    async with serving(url) as server:
        worker = await asyncio.create_subprocess_exec(sys.executable, "-m", "bench.workers", url, "idle")
        try:
            await asyncio.sleep(3)  # until it listens
            body = json.dumps({"baseClassId": str(server.base), "title": "Bench"})
            headers = {"Authorization": f"Bearer {server.key}", "Content-Type": "application/json"}
            times = []
            async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{server.port}") as client:
                for _ in range(POSTS):
                    sent = time.time()
                    answer = await client.post("/api/course-generation/v2", content=body, headers=headers)
                    job_id = UUID(answer.raise_for_status().json()["jobId"])
                    await asyncio.sleep(0.1)  # the worker is idle again
                    async with asyncio.timeout(10):
                        while not (tasks := await server.program.jobs.tasks(job_id)) or not tasks[0].started_at:  # noqa: ASYNC110
                            await asyncio.sleep(0.05)
                    times.append((tasks[0].started_at.timestamp() - sent) * 1000)
            return times
        finally:
            with contextlib.suppress(ProcessLookupError):
                worker.kill()
            await worker.wait()


def measure(new_database: Callable[[], str]) -> list[Table]:
    """Return the tables of ticks; takes six minutes."""
    posted = sorted(asyncio.run(to_the_first_task(new_database())))
    cold = [cold_start(new_database()) for _ in range(COLD)]
    return [
        Table(
            "Ticks: time lost",
            f"Standard course of 45 tasks, steps of {LEAST:g}-{MOST:g} s, {WorkerSettings().concurrency} at once: by a "
            "worker, and by ticks one after the other, each in a fresh process. Seconds from the start of the first "
            "process to the end of the last; lost is what a worker would not have needed.",
            ("host's limit", "budget", "ticks", "steps cut off", "seconds", "lost", "aim at most"),
            course_times(new_database()),
        ),
        Table(
            "Ticks: how soon work begins",
            f"{POSTS} POSTs one after the other to `serve --workers 0`, an idle worker in a process of its own that "
            f"listens (NOTIFY); {COLD} cold starts of the serverless application, of which the median. Times by the "
            "database's clock on the same machine.",
            ("what", "p50", "worst", "aim"),
            [
                (
                    "from POST to the first running task",
                    f"{statistics.median(posted):.0f} ms",
                    f"{posted[-1]:.0f} ms",
                    "p50 under 50 ms",
                ),
                (
                    "from the start of a process to the first lease of its tick",
                    f"{statistics.median(cold):.2f} s",
                    f"{max(cold):.2f} s",
                    "under 1 s",
                ),
            ],
        ),
    ]


if __name__ == "__main__":
    asyncio.run(work(sys.argv[1]))
