"""Finished courses in the application's own tables: whole, once, and never at the job's expense."""

from typing import Any
from uuid import UUID

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from coursewright.app import Coursewright
from coursewright.errors import ConfigurationError
from tests.integration.supabase.programs import OURS, program
from tests.integration.supabase.test_documents import QUERY, execute, job_in_plain_sql, owner

__all__ = ["owner"]

MAPPING = {
    "outline_sql": """
        with again as (delete from public.paths where course_outline_id = %(outline_id)s)
        insert into public.course_outlines (id, base_class_id, user_id, title, outline)
        values (%(outline_id)s, %(base_class_id)s, %(user_id)s, %(title)s, %(outline)s)
        on conflict (id) do update set title = excluded.title, outline = excluded.outline""",
    "path_sql": """
        insert into public.paths (course_outline_id, title, order_index)
        values (%(outline_id)s, %(path_title)s, %(path_position)s) returning id""",
    "lesson_sql": """
        insert into public.lessons (id, path_id, title, content, order_index)
        values (%(lesson_id)s, %(path_id)s, %(lesson_title)s, %(lesson_markdown)s, %(lesson_position)s)""",
}
DUE = "update coursewright.deliveries set run_at = now() where state = 'waiting'"


async def made(running: Coursewright, url: str) -> UUID:
    """Have a course made of the application's documents; nothing is delivered yet."""
    job = job_in_plain_sql(url)
    await running.intake.drain()
    await running.followed.follow(OURS, (await running.jobs.get(job)).base_class_id or job)
    await running.intake.drain()
    await running.finish(job)
    return job


def written(url: str) -> tuple[list[dict[str, Any]], list[dict[str, Any]], list[dict[str, Any]]]:
    return (
        execute(url, "select * from public.course_outlines"),
        execute(url, "select * from public.paths order by order_index"),
        execute(url, "select l.* from public.lessons l join public.paths p on p.id = l.path_id"
                     " order by p.order_index, l.order_index"),
    )  # fmt: skip


async def test_a_course_stands_in_the_applications_tables(owner: str) -> None:
    async with program(owner, documents={"source_query": QUERY}, delivery=MAPPING) as running:
        job = await made(running, owner)
        await running.courier.drain()
        course, _ = await running.course(job)
    (outline,), paths, lessons = written(owner)
    assert (outline["id"], outline["title"]) == (job, course.title)
    assert [path["title"] for path in outline["outline"]["paths"]] == [module.title for module in course.modules]
    assert [path["title"] for path in paths] == [module.title for module in course.modules]
    of_course = [lesson for module in course.modules for lesson in module.lessons]
    assert [lesson["title"] for lesson in lessons] == [lesson.title for lesson in of_course]
    for lesson, row in zip(of_course, lessons, strict=True):
        assert row["content"].startswith(f"### {lesson.title.replace('*', '')[:5]}")
        assert "[^1]: " in row["content"]
    assert execute(owner, "select state from coursewright.deliveries where way = 'tables'") == [{"state": "delivered"}]


async def test_names_without_a_schema_are_the_applications_also_for_a_role_called_coursewright(owner: str) -> None:
    """Its search path begins with our schema, where tables are called `documents` and `courses`, too."""
    execute(owner, "create table public.courses (outline uuid primary key, title text)")
    url = make_conninfo(owner, options="-csearch_path=coursewright,public")
    mapping = {"outline_sql": "insert into courses (outline, title) values (%(outline_id)s, %(title)s)"}
    async with program(url, documents={"source_query": QUERY.replace("public.", "")}, delivery=mapping) as running:
        job = await made(running, owner)
        await running.courier.drain()
        course, _ = await running.course(job)
    assert execute(owner, "select * from public.courses") == [{"outline": job, "title": course.title}]


async def test_off_by_default(owner: str) -> None:
    async with program(owner, documents={"source_query": QUERY}) as running:
        await made(running, owner)
        await running.courier.drain()
    assert written(owner) == ([], [], [])


async def test_a_course_that_is_made_again_takes_the_place_of_the_first(owner: str) -> None:
    async with program(owner, documents={"source_query": QUERY}, delivery=MAPPING) as running:
        job = await made(running, owner)
        await running.courier.drain()
        first = written(owner)
        await running.organisation(OURS).restart(job)
        await running.finish(job)
        await running.courier.drain()
    again = written(owner)
    assert [row["title"] for row in again[2]] == [row["title"] for row in first[2]]
    assert [row["id"] for row in again[1]] != [row["id"] for row in first[1]]


@pytest.mark.parametrize(
    "broken, told",
    [
        ("insert into public.nowhere values (%(lesson_id)s)", "nowhere"),
        ("insert into public.lessons values (%(no_such_value)s)", "no_such_value"),
        ("insert into public.lessons (path_id, title, content, order_index) values (%(path_id)s, "
         "repeat('x', 400), '', 1)", "violates check constraint"),
        ("select pg_sleep(60)", "statement timeout"),
        ("insert into public.lessons values (1); drop table public.lessons", "multiple commands"),
    ],
)  # fmt: skip
async def test_a_mapping_that_fails_writes_nothing_and_is_told(owner: str, broken: str, told: str) -> None:
    mapping = MAPPING | {"lesson_sql": broken, "sql_seconds": 0.5, "tries": 2}
    async with program(owner, documents={"source_query": QUERY}, delivery=mapping) as running:
        job = await made(running, owner)
        for _ in range(3):
            await running.courier.drain()
            execute(owner, DUE)
        state = await running.jobs.get(job)
        assert (state.status, state.error_message) == ("completed", None)
    assert written(owner) == ([], [], [])
    lines = execute(
        owner, "select level, message from course_generation_logs where source = 'delivery' order by created_at"
    )
    assert [line["level"] for line in lines] == ["warning", "warning"]
    assert lines[0]["message"].startswith("The course could not be written into the application's tables: ")
    assert told in lines[0]["message"]
    assert lines[0]["message"].endswith("It is tried again.")
    assert lines[1]["message"].endswith("It was given up after 2 tries.")


async def test_of_two_that_write_at_once_one_does(owner: str) -> None:
    outline = """insert into public.course_outlines (base_class_id, user_id, title, outline)
                 values (%(base_class_id)s, %(user_id)s, %(title)s, %(outline)s) returning id"""
    plain = MAPPING | {"outline_sql": outline}
    async with program(owner, documents={"source_query": QUERY}, delivery=plain) as running:
        await made(running, owner)
        (claimed,) = [each for each in await running.courier._claim() if each.way == "tables"]
        execute(owner, DUE)
        (again,) = [each for each in await running.courier._claim() if each.way == "tables"]
        ways = running.courier._ways["tables"]
        assert await ways(claimed) is None  # its lease was lost: it writes nothing
        assert written(owner)[0] == []
        assert await ways(again) is None
        assert await ways(again) is None  # nor does one that comes twice
    assert len(written(owner)[0]) == 1


async def test_a_mapping_waits_for_locks_of_others(owner: str) -> None:
    mapping = MAPPING | {"sql_seconds": 0.4}
    async with program(owner, documents={"source_query": QUERY}, delivery=mapping) as running:
        await made(running, owner)
        with psycopg.connect(owner) as other:
            other.execute("lock table public.lessons in access exclusive mode")
            with pytest.raises(psycopg.errors.LockNotAvailable):
                await running.courier.once()
            other.rollback()
        assert written(owner) == ([], [], [])
        execute(owner, DUE)
        await running.courier.drain()
    assert len(written(owner)[0]) == 1
    assert execute(owner, "select * from course_generation_logs where source = 'delivery'") == []


async def test_a_statement_that_could_end_the_transaction_is_refused(owner: str) -> None:
    with pytest.raises(ConfigurationError, match="lesson_sql"):
        async with program(owner, delivery={"lesson_sql": "/* insert */ commit"}):
            pass
