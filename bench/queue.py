"""Steps a second of the queue, beside a bare lease loop measured in the same run."""

import asyncio
import statistics
import time
from collections.abc import Callable
from uuid import UUID

import psycopg

from bench.report import Table
from coursewright.db.migrate import migrate
from coursewright.db.pool import connect_sync, open_pool
from coursewright.queue import Done, JobQueue, Lease, Outcome, TaskSpec, Worker
from coursewright.queue.leases import Leases
from coursewright.settings import DatabaseSettings, WorkerSettings

FIRST = {"generate_course_v2": (TaskSpec("plan", "outline_generation", decisive=True),)}
JOBS, TASKS = 50, 45


async def steps_a_second(url: str) -> float:
    """Run 50 jobs of 45 empty steps with one worker and return steps a second."""

    async def step(lease: Lease) -> Outcome:
        if lease.identifier != "plan":
            return Done({"text": "x" * 4000})
        sections = tuple(TaskSpec(f"s{n}", "lesson_section") for n in range(TASKS - 2))
        end = TaskSpec(
            "end", "content_validation", tuple(s.identifier for s in sections), needs="settled", decisive=True
        )
        return Done({}, tasks=(*sections, end))

    async with open_pool(url, DatabaseSettings()) as pool:
        jobs = JobQueue(pool)
        for n in range(JOBS):
            await jobs.enqueue("generate_course_v2", {}, organisation_id=UUID(int=n % 5 + 1))
        worker = Worker(
            Leases(pool, FIRST), step, lambda: connect_sync(url), WorkerSettings(concurrency=32), poll_interval=0.1
        )
        began = time.perf_counter()
        running = asyncio.create_task(worker.run())
        open_jobs = "select count(*) from course_generation_jobs where status in ('queued', 'processing')"
        while True:
            async with pool.connection() as connection:
                row = await (await connection.execute(open_jobs)).fetchone()
            if not row or not row[0]:
                break
            await asyncio.sleep(0.02)
        seconds = time.perf_counter() - began
        worker.stop()
        await running
    return JOBS * TASKS / seconds


def floor(url: str) -> float:
    """Claim and complete rows of a bare table, one at a time from 8 threads, with a fence; return steps a second."""
    with connect_sync(url) as connection:
        connection.execute("create table bare (id int primary key, status text, attempt int default 0, output jsonb)")
        connection.execute("create index on bare (id) where status = 'queued'")
        connection.execute("insert into bare select n, 'queued' from generate_series(1, %s) n", [JOBS * TASKS])
    claim = """with next as (select id from bare where status = 'queued' order by id limit 1 for update skip locked)
               update bare b set status = 'running', attempt = attempt + 1 from next where b.id = next.id
               returning b.id, b.attempt"""
    complete = "update bare set status = 'done', output = %s where id = %s and attempt = %s and status = 'running'"
    output = psycopg.types.json.Jsonb({"text": "x" * 4000})

    async def loop() -> None:
        async with await psycopg.AsyncConnection.connect(url, autocommit=True, prepare_threshold=None) as connection:
            while row := await (await connection.execute(claim)).fetchone():
                await connection.execute(complete, [output, *row])

    async def run() -> float:
        began = time.perf_counter()
        await asyncio.gather(*(loop() for _ in range(8)))
        return JOBS * TASKS / (time.perf_counter() - began)

    return asyncio.run(run())


def measure(new_database: Callable[[], str]) -> list[Table]:
    """Return the table of steps a second."""
    pairs = []
    for _ in range(3):  # by turns, so that what else the machine does disturbs both
        url = new_database()
        asyncio.run(migrate(url))
        pairs.append((asyncio.run(steps_a_second(url)), floor(new_database())))
    ours, bare = (statistics.median(side) for side in zip(*pairs, strict=True))
    throughput = Table(
        "Steps a second",
        f"{JOBS} jobs of {TASKS} empty steps with an output of 4 KB, one worker with 32 slots, beside a loop of 8 "
        "connections that claims and completes rows of a bare table with a fence: no jobs, graph, events or leases. "
        "Medians of three runs each, by turns.",
        ("what", "steps/s", "of the floor"),
        [("bare loop", f"{bare:,.0f}", "100 %"), ("Coursewright", f"{ours:,.0f}", f"{100 * ours / bare:.0f} %")],
    )
    return [throughput]
