"""A job's story: everything that matters is told once, in words that a user understands."""

import re
from uuid import UUID

import pytest

from coursewright.db.pool import Pool
from coursewright.db.scope import ScopedPool
from coursewright.queue import Done, Fail, JobQueue, Snooze, TaskSpec
from coursewright.queue.leases import Leases
from coursewright.queue.model import Lease

ALPHA = UUID(int=1)
FIRST = {"generate_course_v2": (TaskSpec("outline", "outline_generation", decisive=True),)}
LESSON = {"lesson": {"title": "The Queen"}}
PARTS = (
    TaskSpec("section-l1-1", "lesson_section", lesson_id="l1", section_title="Her eggs", input=LESSON),
    TaskSpec("section-l1-2", "lesson_section", lesson_id="l1", section_title="Her age", input=LESSON),
    TaskSpec("mind-map-l1", "lesson_mind_map", ("section-l1-1", "section-l1-2"), lesson_id="l1", input=LESSON),
    TaskSpec("exam", "class_exam", ("section-l1-1",), max_retries=0),
    TaskSpec("end", "content_validation", ("mind-map-l1", "exam"), needs="settled", decisive=True),
)
OUTLINE = {"outline": {"title": "Bees", "paths": [{"lessons": [{}, {}]}, {"lessons": [{}]}]}}
PLAN = {"modules": [{"id": "m1", "title": "At home"}, {"id": "m2", "title": "In the field"}]}
STATS = {"stats": {"modules": 2, "lessons": 3, "sections": 1, "questions": 12}}


class Told:
    """A job, and what is told of it."""

    def __init__(self, pool: Pool) -> None:
        self.pool = pool
        self.jobs = JobQueue(pool)
        self.leases = Leases(pool, FIRST)
        self.seen = 0

    async def begin(self, *more: TaskSpec) -> UUID:
        """Return a job whose outline is made; it has `more` tasks than `PARTS`."""
        self.job = await self.jobs.enqueue("generate_course_v2", {}, organisation_id=ALPHA)
        assert await self.leases.admit("w") == self.job
        outline = (await self.claim())["outline"]
        assert await self.leases.complete(outline, Done(PLAN, OUTLINE, tasks=(*PARTS, *more)))
        return self.job

    async def claim(self) -> dict[str, Lease]:
        return {lease.identifier: lease for lease in await self.leases.claim("w", 100, 15)}

    async def news(self) -> list[str]:
        """Return the messages since the last time."""
        story = await self.jobs.story(self.job)
        new, self.seen = story[self.seen :], len(story)
        return [line.message for line in new]

    async def run(self, query: str) -> None:
        async with self.pool.connection() as connection:
            await connection.execute(query.encode())


@pytest.fixture
def told(pool: Pool) -> Told:
    return Told(pool)


async def test_a_good_job_is_told_from_beginning_to_end(told: Told) -> None:
    await told.begin()
    assert await told.news() == [
        "Work on the course has begun.",
        "The outline of “Bees” is made: 2 modules, 3 lessons.",
    ]
    sections = await told.claim()
    both = [(sections[name], Done({})) for name in ("section-l1-1", "section-l1-2")]
    await told.leases.complete_all(both, wait=True)
    assert sorted(await told.news()) == ["Finished the section “Her age”.", "Finished the section “Her eggs”."]
    rest = await told.claim()
    substituted = Done({}, {"substituted": ["it made a claim of its own"]})
    await told.leases.complete(rest["mind-map-l1"], substituted)
    assert await told.news() == [
        "Finished the mind map of “The Queen” with the built-in author, because no reply of the model could be used.",
        "The lesson “The Queen” is complete.",
    ]
    await told.leases.complete(rest["exam"], Done({}))
    await told.leases.complete((await told.claim())["end"], Done({}, result=STATS))
    assert await told.news() == [
        "Finished the exam.",
        "Finished the check of the whole course.",
        "The course is finished: 2 modules, 3 lessons, 1 section, 12 questions.",
    ]


async def test_a_quiz_is_told_by_its_module(told: Told) -> None:
    await told.begin(TaskSpec("quiz-m2", "path_quiz", path_id="m2"), TaskSpec("quiz-m9", "path_quiz", path_id="m9"))
    await told.news()
    quizzes = await told.claim()
    await told.leases.complete(quizzes["quiz-m2"], Done({}))
    await told.leases.complete(quizzes["quiz-m9"], Done({}))
    assert await told.news() == ["Finished the quiz of “In the field”.", "Finished the quiz of a module."]


async def test_a_lesson_whose_parts_end_together_is_told_once(told: Told) -> None:
    await told.begin()
    await told.news()
    await told.run("update course_generation_tasks set dependencies = '{}', status = 'queued' where lesson_id = 'l1'")
    parts = [(lease, Done({})) for lease in (await told.claim()).values() if lease.lesson_id == "l1"]
    assert len(parts) == 3
    await told.leases.complete_all(parts, wait=True)
    news = await told.news()
    assert news.count("The lesson “The Queen” is complete.") == 1
    assert len(news) == 4


async def test_waiting_is_told_with_its_reason_and_not_again_and_again(told: Told) -> None:
    job = await told.begin()
    await told.news()
    sections = await told.claim()
    for lease in sections.values():
        await told.leases.release(lease, Snooze(60, because="openai:x takes no more requests this minute"))
    assert await told.news() == ["Waiting: openai:x takes no more requests this minute."]
    (waiting,) = await told.jobs.waiting(job)
    assert waiting.because == "openai:x takes no more requests this minute"
    assert 50 < waiting.seconds <= 60
    await told.run("update course_generation_tasks set run_at = clock_timestamp() where status = 'queued'")
    assert await told.jobs.waiting(job) == []
    sections = await told.claim()
    await told.leases.release(sections["section-l1-1"], Snooze(0.5))
    await told.leases.release(sections["section-l1-2"], Snooze(9, because="openai:x is busy with other calls"))
    assert await told.news() == ["Waiting: openai:x is busy with other calls."]
    await told.run("update coursewright.events set created_at = created_at - interval '11 minutes'")
    await told.run("update course_generation_tasks set run_at = clock_timestamp() where status = 'queued'")
    lease = (await told.claim())["section-l1-2"]
    await told.leases.release(lease, Snooze(9, because="openai:x is busy with other calls"))
    assert await told.news() == ["Waiting: openai:x is busy with other calls."]


async def test_another_model_is_told_once(told: Told) -> None:
    job = await told.begin()
    await told.news()
    for _ in range(3):
        await told.jobs.tell(job, "model_changed", {"from": "openai:x", "to": "anthropic:y"}, "to")
    assert await told.news() == ["openai:x fails too often at the moment; anthropic:y is asked instead."]


async def test_a_worker_that_vanishes_is_told_with_what_it_was_at(told: Told) -> None:
    await told.begin()
    await told.news()
    await told.claim()
    await told.run("update coursewright.leases set expires_at = clock_timestamp() - interval '1 s'")
    assert await told.leases.rescue(5) == 2
    assert await told.news() == ["A worker vanished while it was at 2 tasks; they are begun again."]
    (lease, *_) = (await told.claim()).values()
    await told.run(f"update coursewright.leases set expires_at = clock_timestamp() - interval '1 s' "  # noqa: S608
                   f"where task_id = '{lease.task_id}'")  # fmt: skip
    assert await told.leases.rescue(5) == 1
    (news,) = await told.news()
    assert re.fullmatch("A worker vanished while it was at the section “Her (eggs|age)”; this is begun again.", news)


async def test_failures_say_what_is_tried_again_and_what_is_left_out(told: Told) -> None:
    await told.begin()
    await told.news()
    sections = await told.claim()
    await told.leases.fail(sections["section-l1-1"], Fail("The disk hiccuped."), 0)
    assert await told.news() == ["The section “Her eggs” did not succeed and is tried again: The disk hiccuped."]
    lease = (await told.claim())["section-l1-1"]
    await told.leases.fail(lease, Fail("No source speaks of it.", recoverable=False), 0)
    assert await told.news() == [
        "Could not finish the section “Her eggs”: No source speaks of it. Skipped with it: 2 tasks."
    ]


async def test_who_paused_resumed_and_cancelled_is_told(told: Told, pool: Pool) -> None:
    job = await told.begin()
    await told.news()
    teacher = JobQueue(ScopedPool(pool, ALPHA, "a teacher (user 7)"))
    await teacher.pause(job)
    await teacher.resume(job)
    assert await told.news() == ["Paused by a teacher (user 7).", "Going on, as asked by a teacher (user 7)."]
    await told.jobs.pause(job, because="The next call could cost more than the budget.")
    await told.jobs.resume(job)
    assert await told.news() == [
        "Paused: The next call could cost more than the budget.",
        "Going on, as asked on the command line.",
    ]
    async with pool.connection() as connection, connection.transaction():
        await connection.execute("set local application_name = 'psql'")
        await connection.execute("update course_generation_jobs set status = 'cancelled' where id = %s", [job])
    assert await told.news() == ["Cancelled by another program."]
