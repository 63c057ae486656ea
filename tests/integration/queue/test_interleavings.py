"""Many connections do whatever they like at once: no deadlock, no drift of a counter, and every job comes to its end.

What each does is drawn from a seed; how they interleave is up to the machine.
"""

import asyncio
import random
from uuid import UUID

import pytest

from coursewright.db.pool import Pool, open_pool
from coursewright.db.queries import sql
from coursewright.errors import Conflict
from coursewright.queue import Done, Fail, JobQueue, Lease, Snooze, TaskSpec
from coursewright.queue.leases import Leases
from coursewright.settings import DatabaseSettings

FIRST = {"generate_course_v2": (TaskSpec("plan", "outline_generation", decisive=True),)}
SECTIONS = tuple(TaskSpec(f"s{n}", "lesson_section", max_retries=1) for n in range(4))
SHAPE = (
    *SECTIONS,
    TaskSpec("mind-map", "lesson_mind_map", ("s0", "s1")),
    TaskSpec("quiz", "path_quiz", tuple(spec.identifier for spec in SECTIONS), needs="settled"),
    TaskSpec("end", "content_validation", ("mind-map", "quiz"), needs="settled", decisive=True),
)
ORGANISATIONS = [UUID(int=n) for n in range(1, 4)]


def _done(lease: Lease) -> Done:
    return Done({}, tasks=SHAPE if lease.identifier == "plan" else ())


class Actor:
    """One client: a worker, a user and another program in one."""

    def __init__(self, pool: Pool, seed: int, shared: list[Lease]) -> None:
        self.pool = pool
        self.jobs, self.leases = JobQueue(pool), Leases(pool, FIRST)
        self.random = random.Random(seed)
        self.shared = shared  # leases of all actors: a completion may come from anybody, late or twice
        self.name = f"w{seed}"

    async def act(self) -> None:
        draw = self.random.random()
        if draw < 0.08:
            await self.jobs.enqueue("generate_course_v2", {}, organisation_id=self.random.choice(ORGANISATIONS))
        elif draw < 0.2:
            await self.leases.admit(self.name)
        elif draw < 0.4:
            self.shared += await self.leases.claim(self.name, self.random.randint(1, 5), 60)
        elif draw < 0.75 and self.shared:
            await self.settle(self.random.choice(self.shared[-20:]))
        elif draw < 0.77 and self.shared:
            some = self.random.sample(self.shared[-30:], min(8, len(self.shared[-30:])))
            await self.leases.complete_all([(s, _done(s)) for s in some], wait=False)
        elif draw < 0.8:
            await self.execute(
                "update coursewright.leases set expires_at = now() where task_id in (select task_id from"
                " coursewright.leases order by random() limit 2 for update skip locked)"
            )
            await self.leases.rescue(2)
        elif draw < 0.82:
            await self.leases.sweep(-3600)
        elif draw < 0.86 and self.shared:
            some = self.shared[-10:]
            mine = {"task_ids": [s.task_id for s in some], "attempts": [s.attempt for s in some], "lease": 60.0}
            await self.execute(sql("coursewright.queue", "heartbeat"), mine)
        else:
            await self.interfere()

    async def settle(self, lease: Lease) -> None:
        draw = self.random.random()
        if draw < 0.75:
            await self.leases.complete(lease, _done(lease))
        elif draw < 0.9:
            await self.leases.fail(lease, Fail("no", recoverable=self.random.random() < 0.5), 0)
        else:
            await self.leases.release(lease, Snooze(0, UUID(int=5)))

    async def interfere(self) -> None:
        found = await self.jobs.newest(most=12)
        if not found:
            return
        job = self.random.choice(found)
        tasks = [task.id for task in await self.jobs.tasks(job.id)]
        some = self.random.sample(tasks, min(2, len(tasks)))
        statuses = ["queued", "processing", "completed", "failed", "cancelled", "paused"]
        try:
            match self.random.randrange(8):
                case 0:
                    await self.jobs.pause(job.id)
                case 1:
                    await self.jobs.cancel(job.id)
                case 2 | 3:
                    await self.jobs.resume(job.id)
                case 4:
                    await self.jobs.skip(job.id, some)
                case 5 | 6:
                    await self.jobs.retry(job.id, some)
                case _:
                    await self.execute(
                        "update course_generation_jobs set status = %(status)s where id = %(id)s",
                        {"status": self.random.choice(statuses), "id": job.id},
                    )
        except Conflict:
            pass

    async def execute(self, query: str, parameters: dict[str, object] | None = None) -> None:
        async with self.pool.connection() as connection:
            await connection.execute(query.encode(), parameters)

    async def finish(self) -> None:
        """Resume what is paused and complete everything that is left."""
        await self.execute("update coursewright.leases set expires_at = now()")
        await self.leases.rescue(100)
        for job in await self.jobs.newest(most=10_000):
            if job.status == "paused":
                await self.jobs.resume(job.id)
        for _ in range(2_000):
            await self.execute("update course_generation_tasks set run_at = now() where run_at > now()")
            claimed = await self.leases.claim(self.name, 50, 60)
            for lease in claimed:
                await self.leases.complete(lease, _done(lease))
            if await self.leases.admit(self.name) is None and not claimed and not await self.leases.sweep(-3600):
                return
        raise AssertionError("the queue does not come to rest")


HOLDS = {
    "every job has ended": "select count(*) from course_generation_jobs where status not in"
    " ('completed', 'failed', 'cancelled')",
    "no task of a job that has ended is open": "select count(*) from course_generation_tasks"
    " where status in ('pending', 'queued', 'running', 'retrying')",
    "no lease is left": "select count(*) from coursewright.leases",
    "rotation counts its entries": """select count(*) from coursewright.rotation r where (ready, running) <> (
        select count(*) filter (where ready), count(*) filter (where occupies)
          from course_generation_queue q where q.organisation_id = r.organisation_id)""",
    "jobs count their tasks": """select count(*) from course_generation_jobs j
        where (total_tasks, completed_tasks, failed_tasks, skipped_tasks) <> (
            select count(*), count(*) filter (where status = 'completed'), count(*) filter (where status = 'failed'),
                   count(*) filter (where status = 'skipped') from course_generation_tasks t where t.job_id = j.id)""",
    "events have no gaps": """select count(*) from course_generation_jobs j where (event_count, event_count) <> (
        select count(*), coalesce(max(number), 0) from coursewright.events e where e.job_id = j.id)""",
}
AT_ANY_TIME = {
    "exactly the running tasks have a lease, of their attempt": """select count(*) from course_generation_tasks t
        full join coursewright.leases l on l.task_id = t.id
        where (t.status = 'running') is distinct from (l.task_id is not null) or l.attempt <> t.attempt""",
}


async def _interleave(url: str, seed: int, actors: int, steps: int) -> None:
    async with open_pool(url, DatabaseSettings(pool_size=actors)) as pool:
        shared: list[Lease] = []
        everybody = [Actor(pool, seed * 100 + n, shared) for n in range(actors)]

        async def play(actor: Actor) -> None:
            for _ in range(steps):
                await actor.act()

        await asyncio.gather(*(play(actor) for actor in everybody))
        await _check(pool, AT_ANY_TIME)
        await everybody[0].finish()
        await _check(pool, AT_ANY_TIME | HOLDS)


async def _check(pool: Pool, promises: dict[str, str]) -> None:
    async with pool.connection() as connection:
        for promise, query in promises.items():
            row = await (await connection.execute(query.encode())).fetchone()
            assert row == (0,), promise


async def test_random_interleavings(database_url: str) -> None:
    await _interleave(database_url, seed=1, actors=6, steps=120)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2, 8))
async def test_random_interleavings_for_long(database_url: str, seed: int) -> None:
    await _interleave(database_url, seed, actors=12, steps=600)
