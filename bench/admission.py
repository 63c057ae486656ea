"""Admission of one job with few and with very many entries waiting, in the shapes that make naive queries slow."""

import asyncio
import time
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import psycopg

from bench.report import Table
from coursewright.db.migrate import migrate
from coursewright.db.pool import connect_sync

Connection = psycopg.Connection[Any]

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
    _insert(connection, 1_000)


def capped(connection: Connection, n: int) -> None:
    _insert(connection, n)
    connection.execute("update coursewright.rotation set max_running = 0")
    connection.execute(
        """with j as (insert into course_generation_jobs (organisation_id)
             select 'ffffffff-0000-0000-0000-000000000000' from generate_series(1, 1000) returning id)
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


ADMISSIONS = 700  # the small case has 750 where a quarter is dead


def compare(
    new_database: Callable[[], str], fill: Callable[[Connection, int], None], many: int
) -> list[tuple[float, float, int]]:
    """Return p50 and p99 (milliseconds) of an admission, and the buffers that one touches: with few, with many entries.

    The two are measured by turns, so that whatever else the machine does meets both.
    """
    with ExitStack() as open_connections:
        connections = [_filled(open_connections, new_database(), fill, n) for n in (1_000, many)]
        times: list[list[float]] = [[], []]
        for _ in range(ADMISSIONS):
            for connection, took in zip(connections, times, strict=True):
                began = time.perf_counter()
                row = connection.execute("select dequeue_course_job('bench')").fetchone()
                took.append(1000 * (time.perf_counter() - began))
                if not row or not row[0]:
                    raise SystemExit("an admissible entry was not found")
        figures = []
        for connection, took in zip(connections, times, strict=True):
            took.sort()
            figures.append(
                (took[ADMISSIONS // 2], took[ADMISSIONS * 99 // 100], min(_buffers(connection) for _ in range(5)))
            )
        return figures


def _filled(opened: ExitStack, url: str, fill: Callable[[Connection, int], None], n: int) -> Connection:
    asyncio.run(migrate(url))
    old, connection = opened.enter_context(connect_sync(url)), opened.enter_context(connect_sync(url))
    connection.execute("update coursewright.admission set max_running = 1000000")
    connection.execute("alter table coursewright.rotation alter max_running set default 1000000")
    if fill is dead_heads:
        old.execute("begin isolation level repeatable read")
        old.execute("select 1 from coursewright.admission")  # from here on nothing that dies can be cleaned away
    fill(connection, n)
    connection.execute("update coursewright.rotation set max_running = 1000000 where max_running > 0")
    connection.execute("vacuum analyze")
    connection.execute("checkpoint")  # what filling left to be written is not measured
    return connection


def _buffers(connection: Connection) -> int:
    row = connection.execute("explain (analyze, buffers, format json) select dequeue_course_job('bench')").fetchone()
    assert row
    plan = row[0][0]["Plan"]
    touched: int = plan["Shared Hit Blocks"] + plan["Shared Read Blocks"]
    return touched


def measure(new_database: Callable[[], str], many: int) -> list[Table]:
    """Return the table of admissions."""
    rows = []
    for name, fill in CASES.items():
        small, large = compare(new_database, fill, many)
        rows.append(
            (name, f"{small[0]:.2f}", f"{large[0]:.2f}", f"{small[1]:.2f}", f"{large[1]:.2f}", f"{small[2]:.0f}",
             f"{large[2]:.0f}", f"{large[2] / small[2]:.2f}", f"{large[1] / small[1]:.2f}")
        )  # fmt: skip
    return [
        Table(
            "Admission of one job",
            f"`dequeue_course_job`, {ADMISSIONS} in a row, by turns with 1,000 and with {many:,} entries waiting. "
            "Milliseconds; buffers of 8 KB.",
            (
                "case",
                "p50, 1,000",
                f"p50, {many:,}",
                "p99, 1,000",
                f"p99, {many:,}",
                "buffers",
                "buffers, many",
                "ratio of buffers",
                "ratio of p99",
            ),
            rows,
        )
    ]
