"""A watcher misses no state, whatever is cut off in between."""

import asyncio
import json
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import psycopg
import pytest

from coursewright.api.routes.events import _stream
from coursewright.api.watch import Watch
from coursewright.db.pool import Pool, connect
from coursewright.queue.jobs import JobQueue
from coursewright.settings import DatabaseSettings
from tests.integration.api.conftest import OURS, Service


@dataclass
class Told:
    """What a stream has told so far."""

    numbers: list[int] = field(default_factory=list)
    kinds: list[str] = field(default_factory=list)
    data: list[dict[str, Any]] = field(default_factory=list)


async def _listen(service: Service, job: UUID, told: Told, *, most: int | None = None) -> None:
    """Read a stream into `told`, from behind what it has heard already; cut it off after `most` events."""
    last = {"Last-Event-ID": str(told.numbers[-1])} if told.numbers else {}
    heard = 0
    path = f"/api/course-generation/v2/events/{job}"
    # In this process an answer comes whole: what is cut off is what is thrown away.
    answer = await service.ours.http.get(path, headers=last)
    if answer.status_code == 204:
        return
    assert answer.headers["content-type"].startswith("text/event-stream")
    for block in answer.text.strip().split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines() if ": " in line)
        if "event" not in fields or heard == most:
            continue
        told.kinds.append(fields["event"])
        told.data.append(json.loads(fields["data"]))
        if "id" in fields:
            told.numbers.append(int(fields["id"]))
            heard += 1


async def test_a_watcher_hears_everything_until_the_end(service: Service) -> None:
    base = await service.upload("11-glossary.html")
    job = await service.ask(base)
    told = Told()
    watching = asyncio.create_task(_listen(service, job, told))
    await service.program.finish(job)
    await watching
    assert told.numbers == list(range(1, len(told.numbers) + 1))
    assert told.kinds[0] == "job_started"
    assert told.kinds[-2:] == ["job_completed", "end"]
    assert told.data[-1] == {"status": "completed", "error": None}


async def test_a_reconnect_goes_on_where_the_watcher_was(service: Service) -> None:
    _, job = await service.course()
    told = Told()
    for _ in range(100):
        before = len(told.numbers)
        await _listen(service, job, told, most=4)
        if len(told.numbers) == before:
            break
    row = await service.program.jobs.get(job)
    assert told.numbers == list(range(1, row.event_count + 1))
    answer = await service.ours.http.get(
        f"/api/course-generation/v2/events/{job}", headers={"Last-Event-ID": str(row.event_count)}
    )
    assert answer.status_code == 204


async def test_pausing_resuming_and_cancelling_are_told_whoever_did_it(service: Service, pool: Pool) -> None:
    base = await service.upload("11-glossary.html")
    job = await service.ask(base)
    for status in ("paused", "queued", "cancelled"):  # as another program writes
        async with pool.connection() as connection:
            await connection.execute("update course_generation_jobs set status = %s where id = %s", [status, job])
    told = Told()
    await _listen(service, job, told)
    assert told.kinds == ["job_paused", "job_resumed", "job_cancelled", "end"]
    assert told.data[-1]["status"] == "cancelled"


async def test_a_watcher_of_a_job_that_is_deleted_is_told_the_end(service: Service, database_url: str) -> None:
    base = await service.upload("11-glossary.html")
    job = await service.ask(base)
    jobs, ours = service.program.jobs, service.program.organisation(OURS)

    async def listen() -> psycopg.AsyncConnection[Any]:
        return await connect(database_url, DatabaseSettings())

    stream = _stream(Watch(jobs.events, jobs.watch, listen), ours, job, 0, 0.05)
    assert (await anext(stream)).startswith(b"retry")
    assert (await service.ours.http.delete(f"/api/course-generation/v2/job/{job}")).status_code == 200
    *_, last = [told async for told in stream]
    assert last.startswith(b"event: end\n")
    assert b"deleted" in last


@pytest.mark.parametrize("listening", [True, False], ids=["with bells", "through a pooler that rings none"])
async def test_watchers_of_one_job_share_one_reader(pool: Pool, database_url: str, listening: bool) -> None:
    jobs = JobQueue(pool)
    job = await jobs.enqueue("generate_course_v2", {}, organisation_id=OURS)
    reads = 0

    async def read(job_id: UUID, after: int) -> Any:
        nonlocal reads
        reads += 1
        return await jobs.events(job_id, after)

    async def listen() -> psycopg.AsyncConnection[Any]:
        if not listening:
            raise psycopg.OperationalError("no bells here")
        return await connect(database_url, DatabaseSettings())

    watch = Watch(read, jobs.watch, listen)
    running = asyncio.create_task(watch.run())

    async def hear(after: int, most: int) -> list[int]:
        heard: list[int] = []
        async for event in watch.events(job, after, 60):
            if event is not None:
                heard.append(event.number)
            if len(heard) == most:
                break
        return heard

    async with asyncio.TaskGroup() as group:
        watching = [group.create_task(hear(0, 6)) for _ in range(50)]
        for _ in range(3):
            await jobs.pause(job)
            await jobs.resume(job)
        late = group.create_task(hear(2, 4))  # reconnects in the middle
    assert all(task.result() == [1, 2, 3, 4, 5, 6] for task in watching)
    assert late.result() == [3, 4, 5, 6]
    assert reads < 50 + 20  # one a watcher at most to catch up, and the shared ones
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
