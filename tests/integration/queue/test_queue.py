"""The queue's promises on a real Postgres. Time is called, not slept for: a test moves `run_at` and `expires_at`."""

import asyncio
import threading
from collections import Counter
from typing import Any
from uuid import UUID

import psycopg
import pytest
from psycopg.rows import scalar_row

from coursewright.db.pool import Pool, connect_sync, open_pool
from coursewright.db.queries import sql
from coursewright.errors import Conflict, NotFound
from coursewright.queue import Done, Fail, JobQueue, JobStatus, Lease, Outcome, Snooze, TaskSpec, Worker
from coursewright.queue.heartbeat import Heartbeat
from coursewright.queue.leases import Leases
from coursewright.settings import DatabaseSettings, WorkerSettings

ALPHA, BETA = UUID(int=1), UUID(int=2)
FIRST = {"generate_course_v2": (TaskSpec("plan", "outline_generation", decisive=True),)}
SHAPE = (
    TaskSpec("a", "lesson_section"),
    TaskSpec("b", "lesson_section"),
    TaskSpec("after-a", "lesson_assessment", ("a",)),
    TaskSpec("quiz", "path_quiz", ("a", "b"), needs="settled"),
    TaskSpec("end", "content_validation", ("after-a", "quiz"), needs="settled", decisive=True),
)


class Bench:
    """A queue, and short words for what the tests do with it."""

    def __init__(self, pool: Pool) -> None:
        self.pool = pool
        self.jobs = JobQueue(pool)
        self.leases = Leases(pool, FIRST)

    async def enqueue(self, organisation: UUID = ALPHA, **options: Any) -> UUID:
        return await self.jobs.enqueue("generate_course_v2", {}, organisation_id=organisation, **options)

    async def scalar(self, query: str, *parameters: object) -> Any:
        async with self.pool.connection() as connection, connection.cursor(row_factory=scalar_row) as cursor:
            await cursor.execute(query.encode(), parameters)
            return await cursor.fetchone() if cursor.description else None

    async def claim(self, room: int = 100) -> dict[str, Lease]:
        return {lease.identifier: lease for lease in await self.leases.claim("w", room, 15)}

    async def started(self) -> UUID:
        """Return an admitted job whose outline is done: `a` and `b` are ready."""
        job_id = await self.enqueue()
        assert await self.leases.admit("w") == job_id
        assert await self.leases.complete((await self.claim())["plan"], Done({}, tasks=SHAPE))
        return job_id

    async def states(self, job_id: UUID) -> dict[str, str]:
        return {task.task_identifier: str(task.status) for task in await self.jobs.tasks(job_id)}

    async def expire(self) -> int:
        await self.scalar("update coursewright.leases set expires_at = clock_timestamp() - interval '1 s'")
        return await self.leases.rescue(5)

    async def drain(self) -> None:
        """Admit and complete until nothing is left to do."""
        for _ in range(200):
            await self.leases.admit("w")
            claimed = await self.claim()
            if not claimed and not await self.scalar(
                "select count(*) from course_generation_queue where status in ('pending', 'processing')"
            ):
                return
            for lease in claimed.values():
                tasks = SHAPE if lease.identifier == "plan" else ()
                await self.leases.complete(lease, Done({}, tasks=tasks))
        raise AssertionError("the queue does not come to rest")

    async def consistent(self) -> None:
        """Check what must hold at all times: counters equal the rows."""
        drift = await self.scalar(
            """select count(*) from coursewright.rotation r where (ready, running) <> (
                   select count(*) filter (where ready), count(*) filter (where occupies)
                     from course_generation_queue q where q.organisation_id = r.organisation_id)"""
        )
        assert drift == 0
        drift = await self.scalar(
            """select count(*) from course_generation_jobs j
                where (total_tasks, completed_tasks, failed_tasks, skipped_tasks) <> (
                   select count(*), count(*) filter (where status = 'completed'),
                          count(*) filter (where status = 'failed'), count(*) filter (where status = 'skipped')
                     from course_generation_tasks t where t.job_id = j.id)"""
        )
        assert drift == 0
        strays = await self.scalar(
            """select count(*) from course_generation_tasks t full join coursewright.leases l on l.task_id = t.id
                where (t.status = 'running') is distinct from (l.task_id is not null)"""
        )
        assert strays == 0


@pytest.fixture
def bench(pool: Pool) -> Bench:
    return Bench(pool)


async def test_a_job_runs_from_admission_to_its_end(bench: Bench) -> None:
    job_id = await bench.started()
    await bench.drain()
    job = await bench.jobs.get(job_id)
    assert (job.status, job.progress_percentage, job.completed_tasks) == (JobStatus.COMPLETED, 100, 6)
    numbers = [event.number for event in await bench.jobs.events(job_id)]
    assert numbers == list(range(1, job.event_count + 1))
    await bench.consistent()


async def test_once_the_outline_is_made_its_tasks_are_all_that_count(bench: Bench) -> None:
    """Until then the percentage counts against the 20 that are usual, so that it does not fall afterwards."""
    job_id = await bench.started()
    await bench.drain()
    told = [e.payload for e in await bench.jobs.events(job_id) if e.kind == "task_completed" and e.payload["total"] > 2]
    assert [each["progress"] for each in told][-1] == 99
    assert all(each["progress"] == min(99, 100 * each["completed"] // each["total"]) for each in told)


async def test_organisations_take_turns_and_priority_counts_inside_one(bench: Bench) -> None:
    low = await bench.enqueue(priority=1)
    high = await bench.enqueue(priority=9)
    for _ in range(3):
        await bench.enqueue(priority=9)
    other = await bench.enqueue(BETA, priority=1)
    admitted = [await bench.leases.admit("w") for _ in range(6)]
    assert admitted[0] == high
    assert admitted[1] == other
    assert admitted[-1] == low
    assert await bench.leases.admit("w") is None
    await bench.consistent()


async def test_sixteen_connections_get_every_entry_once_and_never_a_false_empty(
    bench: Bench, database_url: str
) -> None:
    wanted = {await bench.enqueue(organisation) for organisation in [ALPHA] * 16 + [BETA] * 16}
    async with open_pool(database_url, DatabaseSettings(pool_size=16)) as pool:
        leases = Leases(pool, FIRST)
        got = await asyncio.gather(*(leases.admit(f"w{n}") for n in range(32)))
    assert Counter(got) == Counter(wanted)
    await bench.consistent()


async def test_limits_of_jobs_at_once_hold(bench: Bench) -> None:
    for _ in range(4):
        await bench.enqueue()
    await bench.scalar("update coursewright.rotation set max_running = 2")
    assert [await bench.leases.admit("w") is not None for _ in range(3)] == [True, True, False]
    other = await bench.enqueue(BETA)
    await bench.scalar("update coursewright.admission set max_running = 2")
    assert await bench.leases.admit("w") is None
    await bench.scalar("update coursewright.admission set max_running = 3")
    assert await bench.leases.admit("w") == other


async def test_a_scheduled_job_waits_for_its_time(bench: Bench) -> None:
    job_id = await bench.enqueue()
    await bench.scalar("update course_generation_queue set scheduled_for = now() + interval '1 h'")
    assert await bench.leases.admit("w") is None
    # The clock alone moves on: no trigger sees it.
    await bench.scalar("alter table course_generation_queue disable trigger user")
    await bench.scalar("update course_generation_queue set scheduled_for = now() - interval '1 s'")
    await bench.scalar("alter table course_generation_queue enable trigger user")
    assert await bench.leases.admit("w") == job_id
    await bench.consistent()


async def test_jobs_of_unknown_types_are_left_alone(bench: Bench) -> None:
    await bench.jobs.enqueue("make_coffee", {}, organisation_id=ALPHA)
    assert await bench.leases.admit("w") is None


async def test_a_failed_task_fails_alone(bench: Bench) -> None:
    job_id = await bench.started()
    leases = await bench.claim()
    await bench.leases.fail(leases["a"], Fail("no", recoverable=False), 0)
    await bench.leases.complete(leases["b"], Done({}))
    assert await bench.states(job_id) == {
        "plan": "completed", "a": "failed", "b": "completed", "after-a": "skipped", "quiz": "queued", "end": "pending",
    }  # fmt: skip
    await bench.drain()
    job = await bench.jobs.get(job_id)
    assert job.status == JobStatus.COMPLETED
    assert "1 of 6 tasks failed and 1 were skipped" in (job.error_message or "")
    await bench.consistent()


async def test_a_job_fails_with_its_decisive_task(bench: Bench) -> None:
    job_id = await bench.enqueue()
    await bench.leases.admit("w")
    await bench.leases.fail((await bench.claim())["plan"], Fail("too little", recoverable=False), 0)
    job = await bench.jobs.get(job_id)
    assert (job.status, job.error_message) == (JobStatus.FAILED, "too little")
    await bench.consistent()


async def test_a_failure_is_tried_again_so_often_and_then_final(bench: Bench) -> None:
    job_id = await bench.started()
    for tries in range(4):
        lease = (await bench.claim())["a"]
        assert lease.failures == tries
        await bench.leases.fail(lease, Fail("again"), 0)
    task = (await bench.jobs.tasks(job_id, ["a"]))[0]
    assert (task.status, task.current_retry_count) == ("failed", 3)


async def test_a_retry_waits_for_its_time(bench: Bench) -> None:
    await bench.started()
    await bench.leases.fail((await bench.claim())["a"], Fail("later"), 3600)
    assert "a" not in await bench.claim()


async def test_a_lost_lease_changes_nothing(bench: Bench) -> None:
    job_id = await bench.started()
    stale = (await bench.claim())["a"]
    assert await bench.expire() == 2
    fresh = (await bench.claim())["a"]
    assert fresh.attempt == stale.attempt + 1
    assert not await bench.leases.complete(stale, Done({"by": "stale"}))
    assert not await bench.leases.fail(stale, Fail("stale"), 0)
    assert not await bench.leases.release(stale)
    assert await bench.leases.complete(fresh, Done({"by": "fresh"}))
    assert (await bench.jobs.tasks(job_id, ["a"]))[0].output_data == {"by": "fresh"}
    await bench.consistent()


async def test_a_task_that_outlives_its_workers_fails_as_poison(bench: Bench) -> None:
    job_id = await bench.started()
    for _ in range(6):
        await bench.scalar("update course_generation_tasks set run_at = clock_timestamp()")
        await bench.claim()
        await bench.expire()
    task = (await bench.jobs.tasks(job_id, ["a"]))[0]
    assert task.status == "failed"
    assert "Poison" in (task.error_message or "")
    await bench.drain()
    assert (await bench.jobs.get(job_id)).status == JobStatus.COMPLETED
    await bench.consistent()


async def test_no_heartbeat_extends_a_lease_past_its_deadline(bench: Bench, database_url: str) -> None:
    await bench.started()
    lease = (await bench.claim())["a"]
    mine = {"task_ids": [lease.task_id], "attempts": [lease.attempt], "lease": 15.0}
    with connect_sync(database_url) as connection:
        assert connection.execute(sql("coursewright.queue", "heartbeat"), mine).fetchall() == [(lease.task_id,)]
        connection.execute("update coursewright.leases set deadline_at = clock_timestamp()")
        assert connection.execute(sql("coursewright.queue", "heartbeat"), mine).fetchall() == []


async def test_a_snoozed_task_is_ready_again_without_a_failure(bench: Bench) -> None:
    job_id = await bench.started()
    lease = (await bench.claim())["a"]
    await bench.leases.release(lease, Snooze(60))
    task = (await bench.jobs.tasks(job_id, ["a"]))[0]
    assert (task.status, task.current_retry_count, task.rescues) == ("queued", 0, 0)
    assert "a" not in await bench.claim()
    await bench.scalar("update course_generation_tasks set run_at = clock_timestamp()")
    assert "a" in await bench.claim()


async def test_a_paused_job_starts_nothing_and_keeps_what_finishes(bench: Bench) -> None:
    job_id = await bench.started()
    lease = next(iter((await bench.claim(1)).values()))
    # As another program would write it.
    await bench.scalar("update course_generation_jobs set status = 'paused' where id = %s", job_id)
    assert await bench.leases.complete(lease, Done({}))
    assert await bench.claim() == {}
    await bench.consistent()
    await bench.jobs.resume(job_id)
    await bench.drain()
    assert (await bench.jobs.get(job_id)).status == JobStatus.COMPLETED
    await bench.consistent()


async def test_a_paused_waiting_job_is_not_admitted(bench: Bench) -> None:
    job_id = await bench.enqueue()
    await bench.jobs.pause(job_id)
    assert await bench.leases.admit("w") is None
    await bench.jobs.resume(job_id)
    assert await bench.leases.admit("w") == job_id


async def test_a_cancelled_job_stops(bench: Bench) -> None:
    job_id = await bench.started()
    lease = (await bench.claim(1)).popitem()[1]
    await bench.jobs.cancel(job_id)
    assert await bench.leases.release(lease)
    assert set((await bench.states(job_id)).values()) == {"completed", "cancelled"}
    assert await bench.claim() == {}
    with pytest.raises(Conflict):
        await bench.jobs.pause(job_id)
    await bench.consistent()


async def test_a_skipped_task_dooms_only_what_needs_it(bench: Bench) -> None:
    job_id = await bench.started()
    task = (await bench.jobs.tasks(job_id, ["a"]))[0]
    lease = (await bench.claim())["a"]
    assert await bench.jobs.skip(job_id, [task.id]) == 1
    assert not await bench.leases.complete(lease, Done({}))
    await bench.expire()
    await bench.drain()
    states = await bench.states(job_id)
    assert (states["a"], states["after-a"], states["quiz"], states["end"]) == (
        "skipped", "skipped", "completed", "completed",
    )  # fmt: skip
    await bench.consistent()


async def test_retrying_a_task_does_it_and_what_follows_again(bench: Bench) -> None:
    job_id = await bench.started()
    await bench.drain()
    task = (await bench.jobs.tasks(job_id, ["a"]))[0]
    assert await bench.jobs.retry(job_id, [task.id]) == 1
    states = await bench.states(job_id)
    assert (states["a"], states["b"], states["after-a"], states["end"]) == (
        "queued", "completed", "pending", "pending",
    )  # fmt: skip
    await bench.consistent()
    await bench.drain()
    again = (await bench.jobs.tasks(job_id, ["a"]))[0]
    assert again.generation == task.generation + 1
    assert (await bench.jobs.get(job_id)).status == JobStatus.COMPLETED
    await bench.consistent()


async def test_a_plan_that_is_made_anew_replaces_what_the_old_one_brought(bench: Bench) -> None:
    job_id = await bench.started()
    await bench.drain()
    before = {task.task_identifier: task for task in await bench.jobs.tasks(job_id)}
    stale = await bench.scalar("select id from course_generation_tasks where task_identifier = 'b'")
    await bench.scalar(
        "insert into course_generation_logs (job_id, task_id, message) values (%s, %s, '')", job_id, stale
    )
    assert await bench.jobs.retry(job_id, [before["plan"].id]) == 1
    assert await bench.leases.admit("w") == job_id
    assert set((await bench.states(job_id)).values()) == {"queued", "pending"}
    claimed = await bench.claim()
    assert list(claimed) == ["plan"], "nothing is made from the old plan meanwhile"
    anew = (
        TaskSpec("a", "lesson_section", input={"plan": "new"}),
        TaskSpec("c", "lesson_section"),
        TaskSpec("end", "content_validation", ("a", "c"), needs="settled", decisive=True),
    )
    assert await bench.leases.complete(claimed["plan"], Done({}, tasks=anew))
    await bench.consistent()
    after = {task.task_identifier: task for task in await bench.jobs.tasks(job_id)}
    assert set(after) == {"plan", "a", "c", "end"}
    assert (after["a"].input_data, after["a"].id) == ({"plan": "new"}, before["a"].id)
    assert after["end"].dependencies == ["a", "c"]
    assert after["c"].generation == after["plan"].generation == 1
    assert set(await bench.claim()) == {"a", "c"}


async def test_what_a_plan_brought_is_skipped_when_it_cannot_be_made_anew(bench: Bench) -> None:
    job_id = await bench.started()
    await bench.drain()
    plan = (await bench.jobs.tasks(job_id, ["plan"]))[0]
    await bench.jobs.retry(job_id, [plan.id])
    await bench.leases.admit("w")
    lease = (await bench.claim())["plan"]
    assert await bench.leases.fail(lease, Fail("no", recoverable=False), 0)
    states = await bench.states(job_id)
    assert states.pop("plan") == "failed"
    assert set(states.values()) == {"skipped"}
    assert (await bench.jobs.get(job_id)).status == JobStatus.FAILED
    await bench.consistent()


@pytest.mark.parametrize("status", ["completed", "failed", "cancelled"])
async def test_an_end_that_another_program_writes_is_part_of_the_story(bench: Bench, status: str) -> None:
    job_id = await bench.started()
    async with bench.pool.connection() as connection, connection.transaction():
        await connection.execute("set local application_name = 'another'")
        await connection.execute(
            "update course_generation_jobs set status = %s, error_message = 'enough' where id = %s", [status, job_id]
        )
    last = (await bench.jobs.events(job_id))[-1]
    assert last.kind == f"job_{status}"
    assert last.payload.get("error") == (None if status == "cancelled" else "enough")
    told = await bench.scalar(
        "select message from course_generation_logs where job_id = %s order by created_at desc limit 1", job_id
    )
    assert (
        told
        == {
            "completed": "The course is finished, but: enough",
            "failed": "No course came out: enough",
            "cancelled": "Cancelled by another program.",
        }[status]
    )


async def test_every_end_is_told_once(bench: Bench) -> None:
    job_id = await bench.started()
    await bench.drain()
    kinds = [event.kind for event in await bench.jobs.events(job_id)]
    assert [kind for kind in kinds if kind.startswith("job_")] == ["job_started", "job_completed"]


async def test_only_what_somebody_watches_rings(bench: Bench, database_url: str) -> None:
    watched, other = await bench.started(), await bench.started()
    await bench.jobs.watch(watched, 60)
    with connect_sync(database_url) as connection:
        connection.execute("listen coursewright_events")
        await bench.jobs.pause(other)
        await bench.jobs.pause(watched)
        rung = [bell.payload for bell in connection.notifies(timeout=60, stop_after=1)]
    assert rung == [str(watched)]
    await bench.jobs.watch(watched, -1)  # nobody any more
    with connect_sync(database_url) as connection:
        connection.execute("listen coursewright_events")
        await bench.jobs.resume(watched)
        connection.execute("select pg_notify('coursewright_events', 'the end')")
        rung = [bell.payload for bell in connection.notifies(timeout=60, stop_after=1)]
    assert rung == ["the end"]


async def test_a_job_inserted_without_an_entry_is_found(bench: Bench) -> None:
    job_id = await bench.scalar(
        "insert into course_generation_jobs (organisation_id, created_at)"
        " values (%s, now() - interval '1 h') returning id",
        ALPHA,
    )
    assert await bench.leases.sweep(15) == 1
    assert await bench.leases.admit("w") == job_id


async def test_a_job_admitted_by_a_silent_program_is_taken_over(bench: Bench) -> None:
    await bench.enqueue()
    assert await bench.scalar("select dequeue_course_job('worker-1')") is not None
    assert await bench.leases.sweep(15) == 0
    await bench.scalar("update course_generation_queue set locked_at = now() - interval '1 h'")
    assert await bench.leases.sweep(15) == 1
    assert "plan" in await bench.claim()


async def test_two_last_dependencies_that_complete_together_unblock_what_follows(
    bench: Bench, database_url: str
) -> None:
    async with open_pool(database_url, DatabaseSettings(pool_size=2)) as pool:
        both = Leases(pool, FIRST)
        for _ in range(100):
            job_id = await bench.started()
            leases = await bench.claim()
            await asyncio.gather(*(both.complete(leases[name], Done({})) for name in ("a", "b")))
            assert (await bench.states(job_id))["quiz"] == "queued"
            await bench.drain()


async def test_a_worker_finishes_a_job_and_survives_steps_that_raise(bench: Bench, database_url: str) -> None:
    raised = False

    async def step(lease: Lease) -> Outcome:
        nonlocal raised
        if lease.identifier == "plan":
            return Done({}, tasks=SHAPE)
        if lease.identifier == "b" and not raised:
            raised = True
            await bench.scalar("update course_generation_tasks set max_retry_count = 0 where id = %s", lease.task_id)
            raise ValueError("boom")
        return Done({})

    job_id = await bench.enqueue()

    def connect() -> psycopg.Connection[Any]:
        return connect_sync(database_url)

    worker = Worker(bench.leases, step, connect, WorkerSettings(), poll_interval=0.1)
    running = asyncio.create_task(worker.run())
    async with asyncio.timeout(30):
        while not (await bench.jobs.get(job_id)).status.is_final:  # noqa: ASYNC110 - the database is asked
            await asyncio.sleep(0.02)
    worker.stop()
    await running
    states = await bench.states(job_id)
    assert states["b"] == "failed"
    assert (await bench.jobs.get(job_id)).status == JobStatus.COMPLETED
    await bench.consistent()


async def test_retrying_what_a_failure_still_dooms_does_not_hang(bench: Bench) -> None:
    chain = (
        TaskSpec("c", "lesson_section"),
        TaskSpec("a", "lesson_section"),
        TaskSpec("b", "lesson_section", ("a", "c")),
    )
    job_id = await bench.enqueue()
    await bench.leases.admit("w")
    await bench.leases.complete((await bench.claim())["plan"], Done({}, tasks=chain))
    leases = await bench.claim()
    await bench.leases.fail(leases["c"], Fail("no", recoverable=False), 0)
    await bench.leases.complete(leases["a"], Done({}))
    a = (await bench.jobs.tasks(job_id, ["a"]))[0]
    await bench.jobs.retry(job_id, [a.id])
    await bench.consistent()
    await bench.drain()
    assert (await bench.jobs.get(job_id)).status == JobStatus.COMPLETED
    await bench.consistent()
    b = (await bench.jobs.tasks(job_id, ["b"]))[0]
    assert b.status == "skipped"
    await bench.jobs.retry(job_id, [b.id])  # still doomed: nothing to wait for
    assert (await bench.jobs.get(job_id)).status == JobStatus.COMPLETED
    await bench.consistent()


async def test_new_tasks_that_need_a_failed_one_are_skipped_at_once(bench: Bench) -> None:
    job_id = await bench.started()
    leases = await bench.claim()
    await bench.leases.fail(leases["a"], Fail("no", recoverable=False), 0)
    await bench.leases.complete(leases["b"], Done({}, tasks=(TaskSpec("late", "lesson_section", ("a",)),)))
    assert (await bench.states(job_id))["late"] == "skipped"
    await bench.consistent()
    await bench.drain()
    assert (await bench.jobs.get(job_id)).status == JobStatus.COMPLETED


@pytest.mark.parametrize("status", ["completed", "failed", "cancelled"])
async def test_an_end_that_another_program_writes_frees_the_slot(bench: Bench, status: str) -> None:
    job_id = await bench.started()
    lease = (await bench.claim(1)).popitem()[1]
    await bench.scalar("update course_generation_jobs set status = %s where id = %s", status, job_id)
    assert await bench.leases.release(lease)
    assert await bench.claim() == {}
    assert await bench.scalar("select sum(running) from coursewright.rotation") == 0
    await bench.consistent()


async def test_a_job_that_another_program_queues_again_is_admitted_again(bench: Bench) -> None:
    job_id = await bench.started()
    await bench.scalar("update course_generation_jobs set status = 'queued' where id = %s", job_id)
    await bench.consistent()
    await bench.drain()
    assert (await bench.jobs.get(job_id)).status == JobStatus.COMPLETED
    await bench.scalar(
        "update course_generation_jobs set status = 'queued', created_at = 'epoch' where id = %s", job_id
    )
    assert await bench.leases.sweep(15) == 1
    await bench.drain()
    assert (await bench.jobs.get(job_id)).status == JobStatus.COMPLETED
    await bench.consistent()


async def test_an_entry_that_was_passed_over_keeps_its_turn(bench: Bench, database_url: str) -> None:
    low, high = await bench.enqueue(priority=1), await bench.enqueue(priority=9)
    with connect_sync(database_url) as other, other.transaction():
        other.execute("select from course_generation_jobs where id = %s for update", [high])
        assert await bench.leases.admit("w") == low
    lower = await bench.enqueue(priority=0)
    assert [await bench.leases.admit("w"), await bench.leases.admit("w")] == [high, lower]


async def test_a_thousand_jobs_of_one_organisation_do_not_hold_up_another(bench: Bench) -> None:
    """Whatever their priority, and however much later the other's one job comes."""
    await bench.scalar(
        """with jobs as (
               insert into course_generation_jobs (organisation_id, job_type)
               select %s, 'generate_course_v2' from generate_series(1, 1000) returning id)
           insert into course_generation_queue (job_id, priority) select id, 9 from jobs""",
        ALPHA,
    )
    assert await bench.leases.admit("w") is not None
    one = await bench.enqueue(BETA, priority=1)
    assert await bench.leases.admit("w") == one
    waiting = "select count(*) from course_generation_queue where organisation_id = %s and ready"
    assert (await bench.scalar(waiting, ALPHA), await bench.scalar(waiting, BETA)) == (999, 0)


async def test_an_open_transaction_of_one_organisation_does_not_stop_another(bench: Bench, database_url: str) -> None:
    await bench.enqueue()
    with connect_sync(database_url) as other, other.transaction():
        other.execute("select from coursewright.rotation for update")
        job_id = await bench.enqueue(BETA)
        assert await bench.leases.admit("w") == job_id
        assert await bench.leases.admit("w") is None  # waits a moment, not for ever
    assert await bench.leases.admit("w") is not None


async def test_a_free_organisation_behind_many_held_ones_is_found(bench: Bench, database_url: str) -> None:
    held = [await bench.enqueue(UUID(int=n)) for n in range(10, 70)]
    free = await bench.enqueue(UUID(int=100))
    with connect_sync(database_url) as other, other.transaction():
        other.execute("select from course_generation_jobs where id = any(%s) for update", [held])
        assert await bench.leases.admit("w") == free


async def test_retrying_a_task_fences_off_what_follows_it(bench: Bench) -> None:
    job_id = await bench.started()
    await bench.leases.complete((await bench.claim())["a"], Done({}))
    running = (await bench.claim())["after-a"]
    a = (await bench.jobs.tasks(job_id, ["a"]))[0]
    assert await bench.jobs.retry(job_id, [a.id]) == 1
    await bench.consistent()
    assert not await bench.leases.complete(running, Done({}))
    assert (await bench.states(job_id))["after-a"] == "pending"


async def test_a_decisive_task_that_runs_is_not_skipped(bench: Bench) -> None:
    job_id = await bench.enqueue()
    await bench.leases.admit("w")
    lease = (await bench.claim())["plan"]
    assert await bench.jobs.skip(job_id, [lease.task_id]) == 0
    await bench.consistent()
    assert await bench.leases.complete(lease, Done({}))


async def test_an_outline_that_ends_after_the_cancellation_is_not_lost(bench: Bench) -> None:
    job_id = await bench.enqueue()
    await bench.leases.admit("w")
    lease = (await bench.claim())["plan"]
    await bench.jobs.cancel(job_id)
    assert await bench.leases.complete(lease, Done({}, tasks=SHAPE))
    assert set((await bench.states(job_id)).values()) == {"completed", "cancelled"}
    await bench.consistent()
    await bench.scalar("update course_generation_jobs set status = 'queued' where id = %s", job_id)
    await bench.leases.sweep(-1)
    await bench.drain()
    job = await bench.jobs.get(job_id)
    assert (job.status, job.completed_tasks) == (JobStatus.COMPLETED, 6)


async def test_a_failed_job_that_another_program_queues_again_does_its_failed_tasks_again(bench: Bench) -> None:
    job_id = await bench.enqueue()
    await bench.leases.admit("w")
    await bench.leases.fail((await bench.claim())["plan"], Fail("no", recoverable=False), 0)
    await bench.scalar("update course_generation_jobs set status = 'queued' where id = %s", job_id)
    await bench.leases.sweep(-1)
    await bench.drain()
    assert (await bench.jobs.get(job_id)).status == JobStatus.COMPLETED


async def test_tasks_that_wait_for_each_other_do_not_hang_the_job(bench: Bench) -> None:
    circle = (TaskSpec("x", "t", ("y",)), TaskSpec("y", "t", ("x",)))
    job_id = await bench.enqueue()
    await bench.leases.admit("w")
    await bench.leases.complete((await bench.claim())["plan"], Done({}, tasks=circle))
    assert await bench.leases.sweep(-1) == 1
    job = await bench.jobs.get(job_id)
    assert (job.status, job.skipped_tasks) == (JobStatus.COMPLETED, 2)


async def test_an_open_transaction_that_admitted_does_not_stop_what_runs(bench: Bench, database_url: str) -> None:
    await bench.started()
    await bench.enqueue()
    await bench.enqueue()
    with connect_sync(database_url) as other, other.transaction():
        other.execute("select dequeue_course_job('careless')")
        assert await bench.leases.admit("w") is None
        assert set(await bench.claim()) == {"a", "b"}
    assert await bench.leases.admit("w") is not None


async def test_a_job_with_two_entries_is_admitted_once(bench: Bench) -> None:
    job_id = await bench.enqueue()
    await bench.scalar("insert into course_generation_queue (job_id) values (%s)", job_id)
    assert [await bench.leases.admit("w"), await bench.leases.admit("w")] == [job_id, None]
    await bench.drain()
    await bench.consistent()


async def test_a_lease_that_is_being_ended_does_not_hold_up_the_heartbeat(bench: Bench, database_url: str) -> None:
    await bench.started()
    leases = list((await bench.claim()).values())
    mine = {"task_ids": [s.task_id for s in leases], "attempts": [s.attempt for s in leases], "lease": 15.0}
    with connect_sync(database_url) as other, connect_sync(database_url) as heart, other.transaction():
        other.execute("delete from coursewright.leases where task_id = %s", [leases[0].task_id])
        heart.execute("set statement_timeout = '5 s'")
        assert len(heart.execute(sql("coursewright.queue", "heartbeat"), mine).fetchall()) == 2


async def test_the_heartbeat_goes_on_when_the_database_was_away(database_url: str) -> None:
    urls = iter(["postgresql://nobody@127.0.0.1:1/none", database_url])
    stopped = threading.Event()
    heartbeat = Heartbeat(
        lambda: connect_sync(next(urls)), lease=15, interval=5, control=0.01, on_stop=lambda *_: stopped.set()
    )
    heartbeat.add(UUID(int=9), 1)  # a lease that nobody has: it is reported as lost by the first look that succeeds
    with heartbeat:
        assert await asyncio.to_thread(stopped.wait, 10)


async def test_a_call_that_settles_wakes_its_tasks(bench: Bench) -> None:
    await bench.started()
    await bench.leases.release((await bench.claim())["a"], Snooze(3600, UUID(int=7)))
    assert await bench.leases.wake(UUID(int=8)) == 0
    assert await bench.leases.wake(UUID(int=7)) == 1
    assert set(await bench.claim()) == {"a"}


async def test_what_is_left_says_when_there_is_something_to_do(bench: Bench) -> None:
    async def left() -> tuple[int, float | None]:
        tick = await bench.leases.begin_tick("w", 1, 1)
        found = await bench.leases.end_tick(tick, started=0, completed=0, cut=0)
        return found.remaining, found.due

    assert await left() == (0, None)
    await bench.enqueue(scheduled_for=await bench.scalar("select clock_timestamp() + interval '1 h'"))
    remaining, due = await left()
    assert remaining == 1
    assert due is not None
    assert 0 < due <= 3600
    await bench.started()
    assert await left() == (1 + 5, 0)


async def test_jobs_without_an_entry_are_listed_until_they_have_one(bench: Bench) -> None:
    async def listed() -> int:
        count: int = await bench.scalar("select count(*) from coursewright.unentered")
        return count

    job_id = await bench.enqueue()
    assert await listed() == 0
    await bench.scalar("delete from course_generation_queue where job_id = %s", job_id)
    assert await listed() == 1
    assert await bench.leases.sweep(-60) == 1
    assert await listed() == 0
    await bench.scalar("update course_generation_queue set status = 'failed' where job_id = %s", job_id)
    assert await listed() == 1
    await bench.jobs.cancel(job_id)
    assert await bench.leases.sweep(-60) == 0
    assert await listed() == 0
    await bench.scalar("update course_generation_jobs set status = 'queued' where id = %s", job_id)
    assert await bench.leases.sweep(-60) == 1
    await bench.scalar("insert into course_generation_jobs (job_type) values ('something_else')")
    assert await listed() == 0


async def test_an_id_is_found_by_its_beginning(bench: Bench) -> None:
    job_id = await bench.enqueue()
    for start in (str(job_id)[:1], str(job_id)[:8].upper(), str(job_id)[:11], str(job_id)):
        assert (await bench.jobs.find(start)).id == job_id
    for start in ("zz", "", str(job_id) + "0", "0000-00000"):
        with pytest.raises(NotFound):
            await bench.jobs.find(start)
