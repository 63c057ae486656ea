"""SIGTERM and SIGKILL in every phase of a job, from fetching its documents to telling the application of its end.

The course must be the one that nobody disturbed, and no finished task may be done again.
"""

import asyncio
import signal
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from psycopg.rows import scalar_row
from standardwebhooks.webhooks import Webhook

from coursewright.db.pool import Pool, open_pool
from coursewright.documents.library import Library
from coursewright.queue import JobQueue
from coursewright.settings import DatabaseSettings
from tests.conftest import cloned
from tests.faults.conftest import HANG
from tests.faults.phases import KINDS, SECRET
from tests.loopback import web_server

pytestmark = pytest.mark.faults

ROOT = Path(__file__).parents[2]
HANDBOOK = ROOT / "examples" / "knowledge-base"
OURS, BASE = UUID(int=0xA), UUID(int=0xBA)
QUICK = ("knowledge_analysis", "lesson_section", "delivery")


@dataclass
class Web:
    """A page to fetch and a webhook to post to. `hangs`: paths that are not answered."""

    url: str = ""
    hangs: set[str] = field(default_factory=set)
    asked: list[str] = field(default_factory=list)
    told: list[tuple[dict[str, str], bytes]] = field(default_factory=list)


@pytest.fixture
def web() -> Iterator[Web]:
    kept, released = Web(), threading.Event()

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer((HANDBOOK / "05-inspections.md").read_bytes())

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            kept.told.append(({name.lower(): value for name, value in self.headers.items()}, body))
            self._answer(b"")

        def _answer(self, body: bytes) -> None:
            kept.asked.append(self.path)
            if self.path in kept.hangs:
                released.wait(120)
                return
            self.send_response(200)
            self.send_header("Content-Type", "text/markdown")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with web_server(Answers) as kept.url:
        yield kept
        released.set()


class Job:
    """A job whose worker is ended, and what became of it."""

    def __init__(self, pool: Pool, url: str, web: Web) -> None:
        self.pool, self.url, self.web = pool, url, web
        self.id = UUID(int=0)
        self.started: list[subprocess.Popen[bytes]] = []

    async def ask(self, query: str, *values: object) -> Any:
        async with self.pool.connection() as connection, connection.cursor(row_factory=scalar_row) as cursor:
            await cursor.execute(query.encode(), values)
            return await cursor.fetchone() if cursor.description else None

    async def until(self, query: str, *values: object) -> None:
        async with asyncio.timeout(HANG):
            while not await self.ask(query, *values):  # noqa: ASYNC110 - the database is asked
                await asyncio.sleep(0.05)

    async def prepare(self) -> None:
        await self.ask("create table reached (kind text)")
        await self.ask("create table steps (task text, attempt int)")
        library = Library(self.pool, OURS, max_documents=10)
        await library.add(BASE, "11-glossary.html", (HANDBOOK / "11-glossary.html").read_bytes())
        await library.add(BASE, "05-inspections.md", None, source_url=f"{self.web.url}/page")
        self.id = await JobQueue(self.pool).enqueue(
            "generate_course_v2", {"title": "Bees"}, organisation_id=OURS, base_class_id=BASE
        )

    def start(self, phase: str) -> "subprocess.Popen[bytes]":
        words = [sys.executable, "-m", "tests.faults.phase_program", self.url, phase, f"{self.web.url}/hook"]
        self.started.append(subprocess.Popen(words, cwd=ROOT, stderr=subprocess.DEVNULL))
        return self.started[-1]

    def end(self) -> None:
        """Leave no worker behind, whatever became of the test."""
        for process in self.started:
            process.kill()
            process.wait()

    async def finish(self) -> dict[str, Any]:
        """Let another worker go on until the application was told, and return the course."""
        # What a lease of minutes holds is free now: the time of the test is not that of the world.
        await self.ask("update coursewright.leases set expires_at = clock_timestamp()")
        await self.ask("update coursewright.documents set read_until = now() where status = 'processing'")
        await self.ask("update coursewright.deliveries set run_at = now() where state = 'waiting'")
        process = self.start("none")
        try:
            await self.until(
                "select state = 'delivered' from coursewright.deliveries where job_id = %s and way = 'webhook'", self.id
            )
        finally:
            process.send_signal(signal.SIGTERM)
            assert process.wait(HANG) == 0
        course: dict[str, Any] = await self.ask("select course from coursewright.courses where job_id = %s", self.id)
        return course


@pytest.fixture
async def job(pool: Pool, database_url: str, web: Web) -> AsyncIterator[Job]:
    made = Job(pool, database_url, web)
    await made.prepare()
    yield made
    made.end()


@pytest.fixture(scope="module")
def undisturbed() -> list[dict[str, Any]]:
    """The course that comes of it when nobody is killed; the first test makes it."""
    return []


async def run_to(job: Job, phase: str, how: signal.Signals) -> None:
    """Start a worker, wait until it is in the phase, and end it."""
    match phase:
        case "fetching":
            job.web.hangs.add("/page")
        case "delivery":
            job.web.hangs.add("/hook")
    process = job.start(phase)
    if phase in KINDS:
        await job.until("select exists (select from reached)")
    else:
        path = "/page" if phase == "fetching" else "/hook"
        async with asyncio.timeout(HANG):
            while path not in job.web.asked:  # noqa: ASYNC110 - the server is asked
                await asyncio.sleep(0.05)
    process.send_signal(how)
    status = process.wait(HANG)
    assert status == (0 if how == signal.SIGTERM else -signal.SIGKILL)
    job.web.hangs.clear()


PHASES = [
    pytest.param(phase, how, id=f"{phase}-{how.name}", marks=() if phase in QUICK else pytest.mark.slow)
    for phase in ("fetching", *KINDS, "delivery")
    for how in (signal.SIGTERM, signal.SIGKILL)
]


@pytest.mark.parametrize("phase, how", PHASES)
async def test_a_worker_that_is_ended_in_a_phase_costs_no_more_than_that(
    job: Job, phase: str, how: signal.Signals, undisturbed: list[dict[str, Any]], database_server: str,
    template_database: str, worker_id: str,
) -> None:  # fmt: skip
    await run_to(job, phase, how)
    held = await job.ask("select count(*) from coursewright.leases")
    if how == signal.SIGTERM:  # it has given back what it held
        assert held == 0
        assert await job.ask("select count(*) from coursewright.documents where status = 'processing'") == 0
    done = """select coalesce(jsonb_object_agg(task_identifier, attempt), '{}') from course_generation_tasks
               where status = 'completed'"""
    before = await job.ask(done)
    course = await job.finish()
    after = await job.ask(done)
    assert {name: after[name] for name in before} == before  # nothing finished was done again
    rescued = await job.ask("select coalesce(max(rescues), 0) from course_generation_tasks")
    assert rescued == min(held, 1)
    if phase != "fetching":  # there the first step may just have been looking whether all documents are read
        assert rescued == (1 if how == signal.SIGKILL and phase in KINDS else 0)
    assert await job.ask("select count(*) from course_generation_errors") == 0
    status = await job.ask("select (status, failed_tasks, skipped_tasks)::text from course_generation_jobs")
    assert status == "(completed,0,0)"
    assert len({headers["webhook-id"] for headers, _ in job.web.told}) == 1
    headers, body = job.web.told[-1]
    assert Webhook(SECRET).verify(body, headers)["data"]["jobId"] == str(job.id)
    if not undisturbed:
        with cloned(database_server, template_database, worker_id) as url:
            async with open_pool(url, DatabaseSettings()) as pool:
                other = Job(pool, url, job.web)
                await other.prepare()
                undisturbed.append(await other.finish())
    assert course == undisturbed[0]
