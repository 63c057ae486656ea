"""Jobs at once: of a user by role, of an organisation, of all together. They queue; no limit is ever exceeded."""

import asyncio
import random
from typing import Any
from uuid import UUID, uuid4

import pytest
from psycopg.rows import dict_row, scalar_row

from coursewright.db.pool import Pool, open_pool, transaction
from coursewright.errors import Conflict
from coursewright.queue import Done, JobQueue, Lease, TaskSpec
from coursewright.queue.leases import Leases
from coursewright.queue.submission import Submissions, at_once
from coursewright.settings import DatabaseSettings, LimitSettings

FIRST = {"generate_course_v2": (TaskSpec("plan", "outline_generation", decisive=True),)}
OURS = UUID(int=1)
NO_WINDOWS = {"minute": None, "hour": None, "day": None}
LIMITS = LimitSettings.model_validate(
    {role: NO_WINDOWS | {"at_once": n} for role, n in {"student": 1, "teacher": 3, "admin": 10}.items()}
)


async def ask(pool: Pool, query: str, *values: object) -> Any:
    async with pool.connection() as connection, connection.cursor(row_factory=scalar_row) as cursor:
        await cursor.execute(query.encode(), values)
        return await cursor.fetchone() if cursor.description else None


async def submit(pool: Pool, user: UUID, role: str | None, organisation: UUID = OURS, priority: int = 5) -> UUID:
    submitted = await Submissions(pool, LIMITS, max_rescues=5).submit(
        "generate_course_v2", {}, {}, organisation_id=organisation, user_id=user, base_class_id=uuid4(), role=role,
        priority=priority,
    )  # fmt: skip
    return submitted.job_id


async def admit_all(leases: Leases) -> list[UUID]:
    admitted = []
    while job := await leases.admit("w"):
        admitted.append(job)
    return admitted


async def finish(pool: Pool, leases: Leases, job: UUID) -> None:
    for lease in await leases.claim("w", 50, 60, job):
        assert await leases.complete(lease, Done({}))
    assert await ask(pool, "select status from course_generation_jobs where id = %s", job) == "completed"


def test_what_each_role_may_have_under_way_at_once() -> None:
    limits = LimitSettings()
    roles = ("student", "teacher", "admin", "super_admin", "visitor", None)
    assert [at_once(limits, role) for role in roles] == [1, 3, 10, 20, 1, None]
    # Words of the settings are no roles, whatever a token says.
    assert [at_once(limits, role) for role in ("organisation", "everyone", "enabled", "model_fields")] == [1, 1, 1, 1]


def test_one_limit_that_is_set_leaves_the_others() -> None:
    limits = LimitSettings.model_validate({"student": {"at_once": 2}, "teacher": {"day": None}})
    assert (limits.student.at_once, limits.student.minute, limits.student.day) == (2, 2, 50)
    assert (limits.teacher.at_once, limits.teacher.hour, limits.teacher.day) == (3, 30, None)
    assert limits.admin == LimitSettings().admin


async def test_a_users_jobs_wait_for_each_other_and_for_nobody_else(pool: Pool) -> None:
    leases = Leases(pool, FIRST)
    student, teacher = uuid4(), uuid4()
    of_student = [await submit(pool, student, "student") for _ in range(3)]
    of_teacher = [await submit(pool, teacher, "teacher") for _ in range(4)]
    assert await admit_all(leases) == [of_student[0], *of_teacher[:3]]
    await finish(pool, leases, of_student[0])
    assert await admit_all(leases) == [of_student[1]]
    await finish(pool, leases, of_teacher[1])
    await finish(pool, leases, of_teacher[0])
    assert await admit_all(leases) == [of_teacher[3]]


async def test_the_higher_priority_of_a_user_goes_first_although_it_came_later(pool: Pool) -> None:
    leases = Leases(pool, FIRST)
    student = uuid4()
    low = await submit(pool, student, "student", priority=1)
    high = await submit(pool, student, "student", priority=9)
    assert await admit_all(leases) == [high]
    await finish(pool, leases, high)
    assert await admit_all(leases) == [low]


async def test_a_user_of_two_organisations_has_a_turn_in_each(pool: Pool) -> None:
    user = uuid4()
    both = {await submit(pool, user, "student", UUID(int=n)) for n in (1, 2)}
    assert set(await admit_all(Leases(pool, FIRST))) == both


async def test_jobs_without_a_limit_are_not_held_up(pool: Pool) -> None:
    user = uuid4()
    limited = [await submit(pool, user, "student") for _ in range(2)]
    free = [await submit(pool, user, None) for _ in range(3)]
    assert set(await admit_all(Leases(pool, FIRST))) == {limited[0], *free}


async def test_pausing_gives_the_turn_away_and_resuming_waits_for_it(pool: Pool) -> None:
    leases, jobs = Leases(pool, FIRST), JobQueue(pool)
    student = uuid4()
    first, second = [await submit(pool, student, "student") for _ in range(2)]
    assert await admit_all(leases) == [first]
    await jobs.pause(first)
    assert await admit_all(leases) == [second]
    await jobs.resume(first)
    assert await admit_all(leases) == []
    await ask(pool, "update course_generation_jobs set status = 'paused' where id = %s", first)
    await ask(
        pool, "update course_generation_jobs set status = 'processing' where id = %s", first
    )  # whoever resumes it
    assert (await jobs.get(first)).status == "queued"
    assert await admit_all(leases) == []
    await finish(pool, leases, second)
    assert await admit_all(leases) == [first]
    await finish(pool, leases, first)


@pytest.mark.parametrize("how", ["set status = 'cancelled'", "set status = 'failed'", "delete"])
async def test_whatever_ends_a_job_makes_room(pool: Pool, how: str) -> None:
    leases = Leases(pool, FIRST)
    student = uuid4()
    first, second = [await submit(pool, student, "student") for _ in range(2)]
    assert await admit_all(leases) == [first]
    end = "delete from course_generation_jobs" if how == "delete" else f"update course_generation_jobs {how}"
    await ask(pool, f"{end} where id = %s", first)
    assert await admit_all(leases) == [second]


async def test_a_job_that_is_done_again_keeps_its_limit(pool: Pool) -> None:
    leases, jobs = Leases(pool, FIRST), JobQueue(pool)
    student = uuid4()
    first, second = [await submit(pool, student, "student") for _ in range(2)]
    await admit_all(leases)
    await finish(pool, leases, first)
    assert await admit_all(leases) == [second]
    await jobs.retry(first, [task.id for task in await jobs.tasks(first)])
    assert await admit_all(leases) == []
    await finish(pool, leases, second)
    assert await admit_all(leases) == [first]


async def test_a_scheduled_job_takes_no_turn_before_its_time(pool: Pool) -> None:
    leases = Leases(pool, FIRST)
    student = uuid4()
    later, now = [await submit(pool, student, "student") for _ in range(2)]
    await ask(
        pool, "update course_generation_queue set scheduled_for = now() + interval '1 hour' where job_id = %s", later
    )
    assert await admit_all(leases) == [now]
    await ask(pool, "update course_generation_queue set scheduled_for = now() where job_id = %s", later)
    assert await admit_all(leases) == []
    await finish(pool, leases, now)
    assert await admit_all(leases) == [later]


async def test_an_entry_that_somebody_holds_is_passed_over_and_found_again(pool: Pool, database_url: str) -> None:
    leases = Leases(pool, FIRST)
    student = uuid4()
    first, second = [await submit(pool, student, "student") for _ in range(2)]
    await admit_all(leases)
    async with open_pool(database_url, DatabaseSettings()) as other, transaction(other) as connection:
        await connection.execute("select from course_generation_queue where job_id = %s for update", [second])
        await finish(pool, leases, first)
        assert await admit_all(leases) == []
    await leases.sweep(3600)
    assert await admit_all(leases) == [second]


# Random interleavings -------------------------------------------------------------------------------------------------

ORGANISATIONS = [UUID(int=n) for n in (1, 2, 3)]
USERS = [(organisation, UUID(int=100 + n), role) for organisation in ORGANISATIONS
         for n, role in enumerate(("student", "student", "teacher", "admin"))]  # fmt: skip
# Looked at when each transaction commits, in the moment when it alone could exceed a limit.
WATCH = """
create table exceeded (what text);
create table looks (n int);
create function watch() returns trigger language plpgsql as $$
begin
    insert into exceeded
    select 'user ' || q.user_id from course_generation_queue q where q.occupies and q.at_once is not null
     group by q.organisation_id, q.user_id having count(*) > max(q.at_once)
    union all
    select 'organisation ' || q.organisation_id from course_generation_queue q where q.occupies
     group by q.organisation_id having count(*) > 4
    union all
    select 'all' from course_generation_queue q where q.occupies having count(*) > 9;
    insert into looks values (1);
    return null;
end $$;
create constraint trigger watch after insert or update on course_generation_queue deferrable initially deferred
    for each row when (new.occupies) execute function watch();
update coursewright.admission set max_running = 9;
insert into coursewright.rotation (organisation_id, max_running)
select lpad(n::text, 32, '0')::uuid, 4 from generate_series(1, 3) n;
"""


async def play(pool: Pool, seed: int, steps: int, shared: list[Lease]) -> None:
    """One client: users, other programs, and a worker."""
    leases, jobs, dice = Leases(pool, FIRST), JobQueue(pool), random.Random(seed)
    for _ in range(steps):
        draw = dice.random()
        if draw < 0.25:
            organisation, user, role = dice.choice(USERS)
            await submit(pool, user, role if dice.random() < 0.9 else None, organisation, dice.randint(1, 9))
        elif draw < 0.5:
            await leases.admit(f"w{seed}")
        elif draw < 0.62:
            shared += await leases.claim(f"w{seed}", dice.randint(1, 4), 60)
        elif draw < 0.8 and shared:
            await leases.complete(dice.choice(shared[-20:]), Done({}))
        else:
            await interfere(pool, jobs, dice)
        if draw > 0.97:
            await leases.sweep(3600)


async def interfere(pool: Pool, jobs: JobQueue, dice: random.Random) -> None:
    found = await jobs.newest(most=25)
    if not found:
        return
    job = dice.choice(found)
    try:
        match dice.randrange(8):
            case 0 | 1:
                await jobs.pause(job.id)
            case 2 | 3:
                await jobs.resume(job.id)
            case 4:
                await jobs.cancel(job.id)
            case 5:
                await jobs.retry(job.id, [task.id for task in await jobs.tasks(job.id)])
            case 6:
                status = dice.choice(["queued", "processing", "paused", "failed", "completed"])
                await ask(pool, "update course_generation_jobs set status = %s where id = %s", status, job.id)
            case _:
                await ask(pool, "update course_generation_queue set priority = %s where job_id = %s",
                          dice.randint(1, 9), job.id)  # fmt: skip
    except Conflict:
        pass


async def interleave(url: str, steps: int, actors: int) -> int:
    async with open_pool(url, DatabaseSettings(pool_size=actors)) as pool:
        await ask(pool, WATCH)
        shared: list[Lease] = []
        async with asyncio.TaskGroup() as group:
            for seed in range(actors):
                group.create_task(play(pool, seed, steps // actors, shared))
        assert await ask(pool, "select array_agg(distinct what) from exceeded") is None
        leases = Leases(pool, FIRST)
        await leases.sweep(3600)
        await admit_all(leases)
        await admissible_is_nothing(pool)
        count: int = await ask(pool, "select count(*) from looks")
        return count


async def admissible_is_nothing(pool: Pool) -> None:
    """After admission says null, every entry that waits has a reason: each is behind a limit that is full."""
    async with pool.connection() as connection, connection.cursor(row_factory=dict_row) as cursor:
        await cursor.execute("select count(*) as n from course_generation_queue where occupies")
        everybody = await cursor.fetchone() or {}
        await cursor.execute(
            """select q.capped, q.ready, q.at_once,
                      (select count(*) from course_generation_queue o
                        where o.organisation_id = q.organisation_id and o.occupies) as of_organisation,
                      (select count(*) from course_generation_queue o where o.organisation_id = q.organisation_id
                          and o.user_id = q.user_id and (o.occupies or o.granted)) as of_user
                 from course_generation_queue q where q.ready or q.capped"""
        )
        for entry in await cursor.fetchall():
            if entry["capped"]:
                assert entry["of_user"] >= entry["at_once"]
            else:
                assert entry["of_organisation"] >= 4 or everybody["n"] >= 9


async def test_random_interleavings_exceed_no_limit(database_url: str) -> None:
    assert await interleave(database_url, steps=1_500, actors=6) > 50


@pytest.mark.slow
async def test_ten_thousand_random_interleavings_exceed_no_limit(database_url: str) -> None:
    assert await interleave(database_url, steps=10_000, actors=10) > 400
