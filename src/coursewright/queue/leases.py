"""What workers do with tasks: admit, claim, complete, fail, release, rescue. Each is one statement, under a fence."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any
from uuid import UUID

from psycopg.errors import LockNotAvailable
from psycopg.rows import class_row, scalar_row
from psycopg.types.json import Jsonb

from coursewright.db.pool import Pool
from coursewright.db.queries import sql
from coursewright.queue.model import Done, Fail, Lease, Snooze, TaskSpec


@dataclass(frozen=True, slots=True)
class WorkLeft:
    """Open tasks and waiting jobs; seconds until something is due (None: nothing is); other ticks at work.

    `next_job`, `next_in`: whose task, that nobody has begun, is due first, and in how many seconds.
    """

    remaining: int
    due: float | None
    others: int
    next_job: UUID | None
    next_in: float | None


FirstTasks = Mapping[str, Sequence[TaskSpec]]


class Leases:
    """The worker's side of the queue.

    `first_tasks` says which tasks a job of each type begins with; `expected` how many it will roughly have (so that
    the percentage does not run ahead before the outline is known).
    """

    def __init__(self, pool: Pool, first_tasks: FirstTasks, *, expected: int = 20) -> None:
        self._pool = pool
        self._first_tasks = Jsonb({kind: [asdict(spec) for spec in specs] for kind, specs in first_tasks.items()})
        self._expected = expected

    async def admit(self, worker: str) -> UUID | None:
        """Admit the next job in turn and give it its first tasks; `None` when nothing is admissible."""
        try:
            job_id = await self._scalar("admit", worker=worker, first_tasks=self._first_tasks, expected=self._expected)
        except LockNotAvailable:  # another program admits in a transaction that stays open: what runs goes on
            return None
        return UUID(job_id) if job_id else None

    async def sweep(self, silence: float) -> int:
        """Pick up jobs that were queued without an entry, or admitted and not begun, for `silence` seconds; and entries
        that somebody held when their turn came.
        """
        strays: int = await self._scalar(
            "sweep", first_tasks=self._first_tasks, expected=self._expected, silence=silence
        )
        held: int = await self._scalar("sweep_turns")
        return strays + held

    async def claim(
        self, worker: str, room: int, lease: float, only_job: UUID | None = None, unfit: Sequence[str] = ()
    ) -> list[Lease]:
        """Lease up to `room` ready tasks for `lease` seconds, but none of the kinds that are `unfit`."""
        async with self._pool.connection() as connection, connection.cursor(row_factory=class_row(Lease)) as cursor:
            parameters = {"worker": worker, "room": room, "lease": lease, "only_job": only_job, "unfit": list(unfit)}
            await cursor.execute(sql(__package__, "claim"), parameters)
            return await cursor.fetchall()

    async def complete(self, lease: Lease, done: Done) -> bool:
        """Record a result; `False` means that the lease was lost and nothing changed."""
        return (await self.complete_all([(lease, done)], wait=True)).get(lease.task_id, False)

    async def complete_all(self, results: Sequence[tuple[Lease, Done]], *, wait: bool) -> dict[UUID, bool]:
        """Record results in one transaction; return which leases were still held.

        Unless it may `wait`, results of jobs that others have locked are left out, and missing from the answer.
        """
        rows = [
            {
                "job": str(lease.job_id),
                "task": str(lease.task_id),
                "attempt": lease.attempt,
                "output": done.output,
                "metadata": done.metadata,
                "tasks": [asdict(spec) for spec in done.tasks] or None,
                "result": done.result,
            }
            for lease, done in results
        ]
        async with self._pool.connection() as connection:
            cursor = await connection.execute(sql(__package__, "complete"), {"done": Jsonb(rows), "wait": wait})
            return dict(await cursor.fetchall())

    async def fail(self, lease: Lease, failure: Fail, retry_in: float) -> bool:
        """Record a failure, to be tried again in `retry_in` seconds while tries are left; `False`: lease lost."""
        held: bool = await self._scalar(
            "fail",
            task_id=lease.task_id,
            attempt=lease.attempt,
            retry_in=retry_in,
            category=failure.category,
            message=failure.message,
            details=None if failure.details is None else Jsonb(dict(failure.details)),
            severity=failure.severity,
            recoverable=failure.recoverable,
            suggestions=list(failure.suggestions),
        )
        return held

    async def release(self, lease: Lease, snooze: Snooze | None = None) -> bool:
        """Hand a task back without a failure, at once or snoozed; `False`: lease lost."""
        held: bool = await self._scalar(
            "release",
            task_id=lease.task_id,
            attempt=lease.attempt,
            seconds=snooze.seconds if snooze else 0.0,
            waits_for=snooze.waits_for if snooze else None,
            because=snooze.because if snooze else None,
        )
        return held

    async def cut(self, lease: Lease, ran: float, *, whole: bool, most: int, failure: Fail) -> bool:
        """Hand back a task that was cut off after `ran` seconds; `False`: lease lost.

        `whole`: it had the whole time that this host gives. After `most` of those its job fails with `failure`.
        """
        held: bool = await self._scalar(
            "cut",
            task_id=lease.task_id,
            attempt=lease.attempt,
            ran=ran,
            whole=whole,
            most=most,
            message=failure.message,
            suggestions=list(failure.suggestions),
        )
        return held

    async def expected_seconds(self) -> dict[str, float | None]:
        """Return how long steps take, by kind of those that are to be done; None: not known yet."""
        async with self._pool.connection() as connection:
            return dict(await (await connection.execute(sql(__package__, "expected_seconds"))).fetchall())

    async def begin_tick(self, worker: str, budget: float, left: float) -> UUID:
        """Write down that a tick begins, which its host ends in `left` seconds at the latest."""
        tick: UUID = await self._scalar("begin_tick", worker=worker, budget=budget, left=left)
        return tick

    async def end_tick(self, tick: UUID, *, started: int, completed: int, cut: int) -> WorkLeft:
        """Write down what a tick did; return what is left."""
        async with self._pool.connection() as connection, connection.cursor(row_factory=class_row(WorkLeft)) as cursor:
            counts = {"tick": tick, "started": started, "completed": completed, "cut": cut}
            await cursor.execute(sql(__package__, "end_tick"), counts)
            left = await cursor.fetchone()
        assert left is not None  # noqa: S101 - always one row
        return left

    async def present(self, worker: str, concurrency: int, seconds: float) -> None:
        """Say that a worker is there, and will say so again within `seconds`."""
        await self._do("present", worker=worker, concurrency=concurrency, seconds=seconds)

    async def leave(self, worker: str) -> None:
        """Say that a worker ends."""
        await self._do("leave", worker=worker)

    async def rescue(self, max_rescues: int) -> int:
        """Take back expired leases; a task that outlived more than `max_rescues` workers fails as poison."""
        count: int = await self._scalar("rescue", max_rescues=max_rescues)
        return count

    async def wake(self, call: UUID) -> int:
        """Make the tasks that wait for a call due now; return how many."""
        count: int = await self._scalar("wake", call=call)
        return count

    async def next_due(self, only_job: UUID | None = None) -> float | None:
        """Return the seconds until a task, entry or lease is due by the clock alone; `None` when nothing is."""
        seconds: float | None = await self._scalar("next_due", only_job=only_job)
        return seconds

    async def _do(self, query: str, **parameters: Any) -> None:
        async with self._pool.connection() as connection:
            await connection.execute(sql(__package__, query), parameters)

    async def _scalar(self, query: str, **parameters: Any) -> Any:
        async with self._pool.connection() as connection, connection.cursor(row_factory=scalar_row) as cursor:
            await cursor.execute(sql(__package__, query), parameters)
            return await cursor.fetchone()
