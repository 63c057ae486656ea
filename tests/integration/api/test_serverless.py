"""The entry point for hosts that import the application: with and without lifespan, several loops, a bad start."""

import asyncio
import contextlib
import gc
import logging
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from uuid import UUID

import httpx2
import psycopg
import pytest
from starlette.types import Message

from coursewright.api.serverless import Serverless
from coursewright.app import Coursewright
from coursewright.db.pool import Pool
from coursewright.settings import Settings
from tests.integration.api.conftest import HANDBOOK, SMALL

TICK = "/api/cron/process-courses"
TIMER = {"Authorization": "Bearer timer"}
OURS, BASE = UUID(int=0xA), UUID(int=0xBA)


@pytest.fixture(autouse=True)
def own_logging() -> Iterator[None]:
    """Undo what the entry point does to the logging of its process."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.fixture
def environment(database_url: str, monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Give the variables that a host gives."""
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("CRON_SECRET", "timer")
    return monkeypatch


async def ask(app: Serverless, path: str = "/readyz", method: str = "GET") -> httpx2.Response:
    transport = httpx2.ASGITransport(app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://host", timeout=60) as client:
        return await client.request(method, path, headers=TIMER)


@contextlib.asynccontextmanager
async def living(app: Serverless) -> AsyncIterator[list[str]]:
    """Send the lifespan's events as a host does; yield what the application has answered."""
    events: asyncio.Queue[Message] = asyncio.Queue()
    told: list[str] = []
    started = asyncio.Event()

    async def send(message: Message) -> None:
        told.append(message["type"])
        started.set()

    task = asyncio.create_task(app({"type": "lifespan", "asgi": {"version": "3.0"}}, events.get, send))
    events.put_nowait({"type": "lifespan.startup"})
    await started.wait()
    yield told
    events.put_nowait({"type": "lifespan.shutdown"})
    await task


def sessions(url: str) -> int:
    with psycopg.connect(url, autocommit=True) as connection:
        row = connection.execute(
            "select count(*) from pg_stat_activity where application_name = 'coursewright'"
            " and datname = current_database()"
        ).fetchone()
    assert row
    return int(row[0])


async def asked(pool: Pool, url: str) -> UUID:
    """Ask for a small course that nobody works on."""
    program = Coursewright(Settings.model_validate({"DATABASE_URL": url, "documents": {"readers": 1}}), url, pool)
    for name in SMALL:
        await program.organisation(OURS).library.add(BASE, name, (HANDBOOK / name).read_bytes())
    return await program.jobs.enqueue("generate_course_v2", {}, organisation_id=OURS, base_class_id=BASE)


@pytest.mark.usefixtures("environment")
async def test_the_first_requests_open_it_once(database_url: str) -> None:
    app = Serverless()
    answers = await asyncio.gather(*(ask(app) for _ in range(8)))
    assert [answer.status_code for answer in answers] == [200] * 8
    assert sessions(database_url) <= Settings().database.pool_size + 1  # and one that listens


@pytest.mark.usefixtures("environment")
async def test_with_the_lifespan_it_opens_before_and_closes_after(database_url: str) -> None:
    app = Serverless()
    async with living(app) as told:
        assert told == ["lifespan.startup.complete"]
        async with asyncio.timeout(30):  # no request asks for it, but the pool connects in the background
            while not sessions(database_url) > 0:  # noqa: ASYNC110 - another process's table has no event
                await asyncio.sleep(0.01)
        assert (await ask(app)).status_code == 200
    assert told == ["lifespan.startup.complete", "lifespan.shutdown.complete"]
    assert sessions(database_url) == 0


@pytest.mark.usefixtures("environment")
def test_every_request_may_have_a_loop_of_its_own(database_url: str) -> None:
    app = Serverless()
    for _ in range(4):
        assert asyncio.run(ask(app)).status_code == 200
        assert asyncio.run(ask(app, TICK, "POST")).json()["remaining"] == 0
    del app
    gc.collect()
    assert sessions(database_url) <= 3, "connections of loops that are gone stay behind"


async def test_a_tick_makes_the_course(pool: Pool, database_url: str, environment: pytest.MonkeyPatch) -> None:
    job_id = await asked(pool, database_url)
    environment.setenv("COURSEWRIGHT_TICKS__BUDGET", "60")
    environment.setenv("COURSEWRIGHT_DOCUMENTS__READERS", "1")
    app = Serverless()
    for _ in range(3):
        answer = await ask(app, TICK, "POST")
        assert answer.status_code == 200, answer.text
    async with pool.connection() as connection:
        job = await (
            await connection.execute("select status, error_message from course_generation_jobs where id = %s", [job_id])
        ).fetchone()
    assert job == ("completed", None)


@pytest.mark.parametrize("lifespan", [True, False])
async def test_a_database_that_is_away_is_asked_for_again(
    database_url: str, environment: pytest.MonkeyPatch, lifespan: bool
) -> None:
    environment.setenv("DATABASE_URL", "postgresql://nobody:secret@127.0.0.1:9/nothing")
    app = Serverless()
    async with living(app) if lifespan else contextlib.nullcontext():
        away = await ask(app)
        assert (away.status_code, away.json()["code"]) == (503, "database_unavailable")
        assert away.headers["retry-after"]
        assert "secret" not in away.text
        environment.setenv("DATABASE_URL", database_url)
        assert (await ask(app)).status_code == 200


@pytest.mark.parametrize(
    "name, value, told",
    [
        ("DATABASE_URL", None, "DATABASE_URL"),
        ("DATABASE_URL", "", "DATABASE_URL"),
        ("DATABASE_URL", "hunter2", "postgresql://"),
        ("COURSEWRIGHT_TICKS__BUDGET", "hunter2", "budget"),
        ("COURSEWRIGHT_TICKS__BUGDET", "hunter2", "bugdet"),
    ],
)
async def test_wrong_settings_are_told_without_their_values(
    environment: pytest.MonkeyPatch, name: str, value: str | None, told: str
) -> None:
    if value is None:
        environment.delenv(name)
    else:
        environment.setenv(name, value)
    answer = await ask(Serverless())
    assert (answer.status_code, answer.json()["code"]) == (500, "configuration")
    assert told in answer.json()["detail"] + answer.json()["hint"]
    assert "hunter2" not in answer.text


def test_a_cold_tick_loads_no_framework() -> None:
    """Half of the time until its first lease would be spent on that."""
    program = "import sys, coursewright.api.serverless; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()
    assert {"fastapi", "reportlab", "openai", "anthropic", "pptx", "numpy"} & set(loaded) == set()


@pytest.mark.parametrize("lifespan", ["on", "off"])
def test_it_starts_cold_under_a_server(database_url: str, tmp_path: Path, lifespan: str) -> None:
    log = tmp_path / "log"
    command = [
        sys.executable,
        "-m",
        "uvicorn",
        "coursewright.api.serverless:app",
        "--lifespan",
        lifespan,
        "--port",
        "0",
    ]
    variables = os.environ | {"DATABASE_URL": database_url, "CRON_SECRET": "timer"}
    with log.open("w") as written:
        process = subprocess.Popen(command, env=variables, cwd=tmp_path, stdout=written, stderr=written)
    try:
        while "running on http" not in log.read_text():
            assert process.poll() is None, log.read_text()
        address = log.read_text().partition("running on ")[2].split()[0]
        answer = httpx2.post(address + TICK, headers=TIMER, timeout=60)
        assert answer.json() == {"success": True, "processed": 0, "completed_tasks": 0, "remaining": 0}
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=30)
    assert "Traceback" not in log.read_text()
    assert list(tmp_path.iterdir()) == [log], "such hosts have no folder to write to"
