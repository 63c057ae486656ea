"""An operator is woken: the queue stands still. The first command of the runbook names the cause and what to do."""

from pathlib import Path
from uuid import UUID, uuid4

from coursewright.app import LOCAL_ORGANISATION
from coursewright.db.pool import Pool
from coursewright.queue import JobQueue
from tests.e2e.command_line import CommandLine


def run(url: str, folder: Path, *words: str) -> str:
    return CommandLine(folder, url).run(*words)[0]


async def execute(pool: Pool, query: str, **parameters: object) -> None:
    async with pool.connection() as connection:
        await connection.execute(query.encode(), parameters)


async def begun(pool: Pool) -> UUID:
    """Return a job of this machine's owner that is under execution, with one ready task."""
    job = await JobQueue(pool).enqueue("generate_course_v2", {}, organisation_id=LOCAL_ORGANISATION)
    await execute(pool, "update course_generation_queue set status = 'processing'")
    await execute(pool, "update course_generation_jobs set status = 'processing', total_tasks = 2, expected_tasks = 2")
    await execute(
        pool,
        "insert into course_generation_tasks (job_id, task_identifier, task_type, status) values "
        "(%(job)s, 'section-1', 'lesson_section', 'queued'), (%(job)s, 'end', 'content_validation', 'pending')",
        job=job,
    )
    return job


async def test_no_worker(pool: Pool, database_url: str, tmp_path: Path) -> None:
    job = await begun(pool)
    said = run(database_url, tmp_path, "doctor")
    assert "There is work, and nobody does it: no worker is running" in said
    assert "coursewright worker" in said
    assert "! The queue: 0 workers, 1 job under way, 0 waiting" in said
    assert "No worker is running, so nothing happens." in run(database_url, tmp_path, "status", str(job))
    await execute(pool, "insert into coursewright.workers (worker_id, concurrency, expires_at) values "
                        "('elsewhere', 4, clock_timestamp() + interval '1 minute')")  # fmt: skip
    said = run(database_url, tmp_path, "doctor")
    assert "✓ The queue: 1 worker, 1 job under way, 0 waiting" in said
    assert "nobody does it" not in said


async def test_transactions_of_another_level(pool: Pool, database_url: str, tmp_path: Path) -> None:
    level = "default_transaction_isolation"
    await execute(
        pool, f"do $$ begin execute format('alter database %%I set {level} = serializable', current_database()); end $$"
    )
    said = CommandLine(tmp_path, database_url).run("doctor", code=69)[0]
    assert "✗ Transactions are serializable, and the queue needs read committed" in said
    (fix,) = (line.strip() for line in said.splitlines() if line.strip().startswith("alter role"))
    await execute(pool, fix)
    assert "Transactions" not in run(database_url, tmp_path, "doctor")
    said = CommandLine(tmp_path, f"{database_url} options='-c {level}=serializable'").run("doctor", code=69)[0]
    assert "Take it out of the options" in said


async def test_commands_name_jobs_of_every_organisation(pool: Pool, database_url: str, tmp_path: Path) -> None:
    job = await JobQueue(pool).enqueue("generate_course_v2", {}, organisation_id=uuid4())
    assert str(job) in run(database_url, tmp_path, "jobs")
    assert str(job) in run(database_url, tmp_path, "status", str(job)[:8])


async def test_a_job_of_the_api_is_resumed(pool: Pool, database_url: str, tmp_path: Path) -> None:
    """What was asked for over HTTP, or in a plain row, is written in other words than the command line's."""
    base = uuid4()
    wish = {"baseClassId": str(base), "title": "Honey Bees"}
    job = await JobQueue(pool).enqueue("generate_course_v2", wish, organisation_id=uuid4(), base_class_id=base)
    await JobQueue(pool).pause(job, because="The budget is used.")
    await execute(
        pool,
        "insert into course_generation_jobs (organisation_id, job_type, job_data) "
        "values (gen_random_uuid(), 'generate_course_v2', '[1]')",
    )
    assert [each["title"] for each in CommandLine(tmp_path, database_url).jobs()] == ["Untitled", "Honey Bees"]
    _, said = CommandLine(tmp_path, database_url).run("resume", str(job), "--budget", "2", code=1)
    assert "there is no passage to make a course from" in said


async def test_breaker_budget_poison_and_a_deadly_document(pool: Pool, database_url: str, tmp_path: Path) -> None:
    paused, poisoned = await begun(pool), uuid4()
    await execute(
        pool,
        "insert into coursewright.workers (worker_id, concurrency, expires_at) "
        "values ('elsewhere', 4, clock_timestamp() + interval '1 minute')",
    )
    await execute(
        pool,
        "insert into coursewright.breakers (endpoint, model, fingerprint, state, reopen_at, last_error) "
        "values ('e', 'openai:x', 'f', 'open', clock_timestamp() + interval '1 minute', 'overloaded')",
    )
    await execute(pool, "insert into coursewright.limits (endpoint, model, fingerprint) values ('e', 'openai:x', 'f')")
    await JobQueue(pool).pause(paused, because="The next call could cost 0.0400 dollars; 0.9700 of the 1.00 are spent.")
    await execute(
        pool,
        "insert into course_generation_jobs (id, organisation_id, status, failed_tasks) "
        "values (%(job)s, %(organisation)s, 'completed', 1)",
        job=poisoned,
        organisation=LOCAL_ORGANISATION,
    )
    await execute(
        pool,
        "insert into course_generation_tasks (job_id, task_identifier, task_type, status, rescues, error_category, "
        "error_message) values (%(job)s, 'section-7', 'lesson_section', 'failed', 6, 'resource_exhausted', "
        "'Poison: 6 workers were lost.')",
        job=poisoned,
    )
    waiting = uuid4()
    await execute(
        pool,
        "insert into course_generation_jobs (id, organisation_id, status) "
        "values (%(job)s, %(organisation)s, 'processing')",
        job=waiting,
        organisation=LOCAL_ORGANISATION,
    )
    base = uuid4()
    await execute(
        pool,
        "insert into coursewright.knowledge_bases (id, organisation_id, name) "
        "values (%(base)s, %(organisation)s, 'kb')",
        base=base,
        organisation=LOCAL_ORGANISATION,
    )
    await execute(
        pool,
        "insert into coursewright.documents (knowledge_base_id, name, sha256, bytes, status, background, read_lost) "
        "values (%(base)s, 'huge.pdf', 'x', 9, 'queued', true, 3)",
        base=base,
    )
    said = run(database_url, tmp_path, "doctor")
    for cause, way in (
        ("openai:x fails too often and is not asked for a while. Its last error: overloaded.", "coursewright models"),
        (f"Job {paused} is paused: The next call could cost", f"coursewright resume {paused}"),
        (f"Task section-7 of job {poisoned} has cost too many workers", f"coursewright resume {poisoned}"),
        (f"The document huge.pdf (3 workers) of knowledge base {base} keeps losing its workers.", "split it"),
    ):
        assert cause in said
        assert way in said
    status = run(database_url, tmp_path, "status", str(paused))
    assert "Paused: The next call could cost 0.0400 dollars" in status
    assert "openai:x fails too often: overloaded" in run(database_url, tmp_path, "status", str(waiting))
    assert "Poison: 6 workers were lost." in run(database_url, tmp_path, "status", str(poisoned))


async def test_a_database_that_takes_no_writes(pool: Pool, database_url: str, tmp_path: Path) -> None:
    await execute(pool, "alter table coursewright.tallies add constraint full_disk check (false) not valid")
    said = run(database_url, tmp_path, "doctor")
    assert "The database takes no more writes." in said
    assert "Make room" in said
