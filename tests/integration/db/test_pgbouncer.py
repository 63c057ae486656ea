"""Through PgBouncer in transaction mode: any statement may meet another server connection, NOTIFY reaches nobody."""

import asyncio
import contextlib
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from coursewright.app import Coursewright
from coursewright.db.migrate import migrate
from coursewright.db.pool import open_pool
from coursewright.doorbells.notify import NotifyDoorbell
from coursewright.settings import DatabaseSettings, Settings
from tests.pgbouncer import needs_pgbouncer, pooler

HANDBOOK = Path(__file__).parents[3] / "examples" / "knowledge-base"
OURS, BASE = UUID(int=0xA), uuid4()

pytestmark = needs_pgbouncer


@pytest.fixture
def pooled(database_url: str) -> Iterator[str]:
    """URL of the database through PgBouncer."""
    with pooler(database_url) as url:
        yield url


async def test_a_course_is_made_through_the_pooler(pooled: str) -> None:
    """Migrations, intake, submission, admission, leases, heartbeat and completion, with a tick and with a worker."""
    assert await migrate(pooled) == []
    settings = Settings.model_validate(
        {
            "DATABASE_URL": pooled,
            "documents": {"readers": 1},
            "POLL_INTERVAL": 0.1,
            "worker": {"heartbeat_seconds": 0.2},
        }
    )
    async with open_pool(pooled, DatabaseSettings()) as pool, contextlib.AsyncExitStack() as stack:
        program = Coursewright(settings, pooled, pool)
        stack.push_async_callback(program.apart.aclose)
        library = program.organisation(OURS).library
        for name in ("01-the-colony.md", "05-inspections.md", "11-glossary.html"):
            await library.add(BASE, name, (HANDBOOK / name).read_bytes())
        await program.intake.drain()
        jobs = [
            await program.jobs.enqueue("generate_course_v2", {"title": title}, organisation_id=OURS, base_class_id=BASE)
            for title in ("By a worker", "By ticks")
        ]
        assert (await program.finish(jobs[0])).status == "completed"
        for _ in range(10):
            if (await program.tick(30, ring=False)).remaining == 0:
                break
        job = await program.jobs.get(jobs[1])
        assert (job.status, job.error_message) == ("completed", None)
        assert all(check.passed for check in await program.operations.checks())


async def test_nobody_listens_through_a_pooler(pooled: str, database_url: str) -> None:
    """LISTEN would stay on a server connection, and its bells would come between another client and its answer."""
    rung = asyncio.Event()
    async with asyncio.timeout(30):
        await NotifyDoorbell(pooled, DatabaseSettings()).listen(rung.set)
    assert not rung.is_set()
    direct = asyncio.create_task(NotifyDoorbell(database_url, DatabaseSettings()).listen(rung.set))
    async with asyncio.timeout(30):
        await rung.wait()  # it rings once when it begins to listen
    direct.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await direct
