"""The queue: steps a second beside a bare lease loop, and a claim with few and with very many entries waiting."""

import asyncio
import time
from collections.abc import Callable
from typing import Any
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
Connection = psycopg.Connection[Any]


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


_JOBS = """with j as (insert into course_generation_jobs (organisation_id)
             select lpad((n %% %(orgs)s + 1)::text, 32, '0')::uuid from generate_series(1, %(n)s) n returning id)
           insert into course_generation_queue (job_id, priority, scheduled_for)
           select id, 5, now() + make_interval(hours => %(hours)s) from j"""


def _insert(connection: Connection, n: int, orgs: int = 1, hours: int = 0) -> None:
    connection.execute(_JOBS, {"n": n, "orgs": orgs, "hours": hours})


def natural(connection: Connection, n: int) -> None:
    _insert(connection, n)


def organisations(connection: Connection, n: int) -> None:
    _insert(connection, n, orgs=max(1, n // 100))


def future(connection: Connection, n: int) -> None:
    _insert(connection, n, hours=24)
    _insert(connection, 400)


def capped(connection: Connection, n: int) -> None:
    _insert(connection, n)
    connection.execute("update coursewright.rotation set max_running = 0")
    connection.execute(
        """with j as (insert into course_generation_jobs (organisation_id)
             select 'ffffffff-0000-0000-0000-000000000000' from generate_series(1, 400) returning id)
           insert into course_generation_queue (job_id) select id from j"""
    )
    connection.execute("update coursewright.rotation set max_running = 1000000 where max_running > 0")


def dead_heads(connection: Connection, n: int) -> None:
    """A quarter of the entries were finished while somebody's old snapshot keeps their index entries."""
    _insert(connection, n)
    connection.execute(
        """update course_generation_queue set status = 'completed' where id in
             (select id from course_generation_queue order by seq limit %s)""",
        [n // 4],
    )


CASES: dict[str, Callable[[Connection, int], None]] = {
    "one organisation": natural,
    "an organisation for each 100 entries": organisations,
    "behind entries of tomorrow": future,
    "beside a capped organisation": capped,
    "a quarter dead under an old snapshot": dead_heads,
}


def claim_case(url: str, fill: Callable[[Connection, int], None], n: int) -> tuple[float, float, float]:
    """Return p50 and p99 (milliseconds) of 300 admissions, and the buffers that one touches."""
    asyncio.run(migrate(url))
    with connect_sync(url) as old, connect_sync(url) as connection:
        connection.execute("update coursewright.admission set max_running = 1000000")
        connection.execute("alter table coursewright.rotation alter max_running set default 1000000")
        if fill is dead_heads:
            old.execute("begin isolation level repeatable read")
            old.execute("select 1 from coursewright.admission")  # from here on nothing that dies can be cleaned away
        fill(connection, n)
        connection.execute("update coursewright.rotation set max_running = 1000000 where max_running > 0")
        connection.execute("analyze")
        times = []
        for _ in range(300):
            began = time.perf_counter()
            row = connection.execute("select dequeue_course_job('bench')").fetchone()
            times.append(1000 * (time.perf_counter() - began))
            if not row or not row[0]:
                raise SystemExit("an admissible entry was not found")
        explained = connection.execute(
            "explain (analyze, buffers, format json) select dequeue_course_job('bench')"
        ).fetchone()
        assert explained
        plan = explained[0][0]["Plan"]
        times.sort()
        return times[150], times[297], plan["Shared Hit Blocks"] + plan["Shared Read Blocks"]


def measure(new_database: Callable[[], str], many: int) -> list[Table]:
    """Return the tables of the queue."""
    url = new_database()
    asyncio.run(migrate(url))
    ours = asyncio.run(steps_a_second(url))
    bare = floor(new_database())
    throughput = Table(
        "Steps a second",
        f"{JOBS} jobs of {TASKS} empty steps with an output of 4 KB, one worker with 32 slots, beside a loop of 8 "
        "connections that claims and completes rows of a bare table with a fence: no jobs, graph, events or leases.",
        ("what", "steps/s", "of the floor"),
        [("bare loop", f"{bare:,.0f}", "100 %"), ("Coursewright", f"{ours:,.0f}", f"{100 * ours / bare:.0f} %")],
    )
    rows = []
    for name, fill in CASES.items():
        small = claim_case(new_database(), fill, 1_000)
        large = claim_case(new_database(), fill, many)
        rows.append(
            (name, f"{small[0]:.2f}", f"{large[0]:.2f}", f"{small[1]:.2f}", f"{large[1]:.2f}", f"{small[2]:.0f}",
             f"{large[2]:.0f}", f"{large[0] / small[0]:.2f}")
        )  # fmt: skip
    claims = Table(
        "Admission of one job",
        f"`dequeue_course_job`, 300 in a row, with 1,000 and with {many:,} entries waiting. "
        "Milliseconds; buffers of 8 KB.",
        (
            "case",
            "p50, 1,000",
            f"p50, {many:,}",
            "p99, 1,000",
            f"p99, {many:,}",
            "buffers",
            "buffers, many",
            "p50 ratio",
        ),
        rows,
    )
    return [throughput, claims]
