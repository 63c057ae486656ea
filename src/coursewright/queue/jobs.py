"""What users and operators do with jobs: enqueue, look, pause, resume, cancel, skip, retry."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg.rows import class_row, scalar_row
from psycopg.types.json import Jsonb

from coursewright.db.pool import Pool
from coursewright.db.queries import fetch_all, sql
from coursewright.errors import Conflict, InvalidRequest, NotFound
from coursewright.queue.model import Job, JobStatus, Task, TaskStatus

_START_OF_ID = re.compile(r"[0-9a-fA-F-]{1,36}")


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to a job; numbers rise by one, without gaps."""

    number: int
    kind: str
    payload: dict[str, Any]
    created_at: datetime


@dataclass(frozen=True, slots=True)
class RunningTask:
    """A task under way, in a few words."""

    task_identifier: str
    task_type: str
    section_title: str | None
    lesson_title: str | None


@dataclass(frozen=True, slots=True)
class Waiting:
    """Why tasks wait, and for how many seconds at most."""

    because: str
    seconds: float


@dataclass(frozen=True, slots=True)
class StoryLine:
    """A line of a job's story, for people."""

    created_at: datetime
    level: str
    message: str


class JobQueue:
    """The jobs of all organisations. Every method is one statement; `organisation_id=None` stands for an operator."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def enqueue(
        self,
        job_type: str,
        data: Mapping[str, Any],
        *,
        organisation_id: UUID | None = None,
        user_id: UUID | None = None,
        base_class_id: UUID | None = None,
        priority: int = 5,
        scheduled_for: datetime | None = None,
    ) -> UUID:
        """Insert a job and its queue entry in one transaction; return the job's id."""
        job_id: UUID = await self._scalar(
            "enqueue",
            organisation_id=organisation_id,
            user_id=user_id,
            base_class_id=base_class_id,
            job_type=job_type,
            job_data=Jsonb(dict(data)),
            priority=priority,
            scheduled_for=scheduled_for,
        )
        return job_id

    async def take_in(self, job_id: UUID, request: Mapping[str, Any] | None) -> str | None:
        """Keep a job's request where it has none, and give it the queue entry that it lacks; return its status.

        `None`: there is no such job.
        """
        kept = None if request is None else Jsonb(dict(request))
        status: str | None = await self._scalar("take_in", job_id=job_id, request=kept)
        return status

    async def keep(self, job_id: UUID, settled: Mapping[str, Any]) -> dict[str, Any]:
        """Keep with a job's request what was settled for it; return the whole. What was settled before stands."""
        whole: dict[str, Any] = await self._scalar("keep", job_id=job_id, settled=Jsonb(dict(settled)))
        return whole

    async def get(self, job_id: UUID, organisation_id: UUID | None = None) -> Job:
        """Return a job; raise `NotFound` when there is none or it is another organisation's."""
        async with self._pool.connection() as connection, connection.cursor(row_factory=class_row(Job)) as cursor:
            query = sql(__package__, "get_job")
            await cursor.execute(query, {"job_id": job_id, "organisation_id": organisation_id})
            job = await cursor.fetchone()
        if job is None:
            raise NotFound(f"There is no job {job_id}.", hint="`coursewright jobs` lists the jobs.")
        return _with_status(job)

    async def find(self, start: str, organisation_id: UUID | None = None) -> Job:
        """Return the job whose id begins with `start`; raise `NotFound` or, when several do, `InvalidRequest`."""
        found: list[UUID] = []
        if _START_OF_ID.fullmatch(start):
            async with self._pool.connection() as connection, connection.cursor(row_factory=scalar_row) as cursor:
                query = sql(__package__, "find")
                await cursor.execute(query, {"start": start.lower(), "organisation_id": organisation_id})
                found = await cursor.fetchall()
        if len(found) > 1:
            raise InvalidRequest(f"Several jobs begin with {start}.", hint="Write more of the id.")
        if not found:
            raise NotFound(f"There is no job {start}.", hint="`coursewright jobs` lists the jobs.")
        return await self.get(found[0], organisation_id)

    async def newest(self, organisation_id: UUID | None = None, most: int = 50) -> list[Job]:
        """Return jobs, newest first."""
        async with self._pool.connection() as connection, connection.cursor(row_factory=class_row(Job)) as cursor:
            query = sql(__package__, "newest")
            await cursor.execute(query, {"organisation_id": organisation_id, "most": most})
            return [_with_status(job) for job in await cursor.fetchall()]

    async def tasks(self, job_id: UUID, identifiers: Sequence[str] | None = None) -> list[Task]:
        """Return a job's tasks (all, or those named) in the order in which they were created."""
        async with self._pool.connection() as connection, connection.cursor(row_factory=class_row(Task)) as cursor:
            wanted = None if identifiers is None else list(identifiers)
            await cursor.execute(sql(__package__, "list_tasks"), {"job_id": job_id, "identifiers": wanted})
            return await cursor.fetchall()

    async def running(self, job_id: UUID) -> list[RunningTask]:
        """Return what is being made now, oldest first: cheap enough to be asked ten times a second."""
        async with (
            self._pool.connection() as connection,
            connection.cursor(row_factory=class_row(RunningTask)) as cursor,
        ):
            await cursor.execute(sql(__package__, "running"), {"job_id": job_id})
            return await cursor.fetchall()

    async def waiting(self, job_id: UUID) -> list[Waiting]:
        """Return what tasks of a job wait for, where that is known; the longest wait first."""
        async with self._pool.connection() as connection:
            return await fetch_all(connection, Waiting, sql(__package__, "waiting"), {"job_id": job_id})

    async def story(self, job_id: UUID, most: int = 1000) -> list[StoryLine]:
        """Return what happened to a job, in words, oldest first: the newest lines of it."""
        async with self._pool.connection() as connection:
            return await fetch_all(connection, StoryLine, sql(__package__, "story"), {"job_id": job_id, "most": most})

    async def tell(self, job_id: UUID, kind: str, payload: Mapping[str, str], same: str) -> None:
        """Add to a job's story; what has the same `same` in its payload is told again only after ten minutes."""
        async with self._pool.connection() as connection:
            parameters = {"job_id": job_id, "kind": kind, "payload": Jsonb(dict(payload)), "same": same}
            await connection.execute(sql(__package__, "tell"), parameters)

    async def events(self, job_id: UUID, after: int = 0) -> list[Event]:
        """Return a job's events with a number above `after`."""
        async with self._pool.connection() as connection, connection.cursor(row_factory=class_row(Event)) as cursor:
            await cursor.execute(sql(__package__, "events"), {"job_id": job_id, "after": after})
            return await cursor.fetchall()

    async def watch(self, job_id: UUID, seconds: float) -> None:
        """Have the database ring for each of the job's events for a while."""
        async with self._pool.connection() as connection:
            await connection.execute(sql(__package__, "watch"), {"job_id": job_id, "seconds": seconds})

    async def pause(self, job_id: UUID, *, because: str | None = None) -> None:
        """Start no further task of the job; what runs may finish and is kept. `because` is shown until it goes on."""
        await self._set_status(job_id, JobStatus.PAUSED, [JobStatus.QUEUED, JobStatus.PROCESSING], because)

    async def cancel(self, job_id: UUID) -> None:
        """End the job; steps under way are stopped within seconds."""
        await self._set_status(job_id, JobStatus.CANCELLED, [JobStatus.QUEUED, JobStatus.PROCESSING, JobStatus.PAUSED])

    async def resume(self, job_id: UUID) -> None:
        """Go on with a paused job; raise `Conflict` when it is not paused."""
        if await self._scalar("resume", job_id=job_id) is None:
            await self._refuse(job_id, "resumed")

    async def skip(self, job_id: UUID, task_ids: Sequence[UUID]) -> int:
        """Settle unfinished tasks as skipped; return how many were."""
        count: int = await self._scalar("skip", job_id=job_id, task_ids=list(task_ids))
        return count

    async def retry(self, job_id: UUID, task_ids: Sequence[UUID]) -> int:
        """Do settled tasks again, as a new generation, and all that follows from them; return how many were asked."""
        count: int = await self._scalar("retry", job_id=job_id, task_ids=list(task_ids))
        return count

    async def retry_failed(self, job_id: UUID) -> int:
        """Do every failed task of a job again; return how many."""
        failed = [task.id for task in await self.tasks(job_id) if task.status == TaskStatus.FAILED]
        return await self.retry(job_id, failed)

    async def _set_status(
        self, job_id: UUID, status: JobStatus, allowed: Sequence[JobStatus], because: str | None = None
    ) -> None:
        words = [str(each) for each in allowed]
        done = await self._scalar("set_status", job_id=job_id, status=str(status), allowed=words, because=because)
        if done is None:
            await self._refuse(job_id, str(status))

    async def _refuse(self, job_id: UUID, wish: str) -> None:
        job = await self.get(job_id)
        raise Conflict(
            f"Job {job_id} is {job.status} and cannot be {wish}.",
            hint=f"`coursewright status {job_id}` shows its state.",
        )

    async def _scalar(self, query: str, **parameters: Any) -> Any:
        async with self._pool.connection() as connection, connection.cursor(row_factory=scalar_row) as cursor:
            await cursor.execute(sql(__package__, query), parameters)
            return await cursor.fetchone()


def _with_status(job: Job) -> Job:
    object.__setattr__(job, "status", JobStatus(job.status))
    return job
