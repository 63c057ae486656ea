"""The application's own documents: a job in plain SQL whose knowledge base nobody has uploaded to is made from them."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import unquote
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg.rows import dict_row

from coursewright.app import Coursewright
from coursewright.db.migrate import migrate
from coursewright.errors import ConfigurationError, NotFound, TooLarge
from tests.integration.supabase.programs import BASE, OURS, insert, program
from tests.loopback import web_server

HANDBOOK = Path(__file__).parents[3] / "examples" / "knowledge-base"
QUERY = """
    select d.id, d.name, d.mime_type, d.content as text, d.file as content, d.link as url, d.storage_path, d.updated_at,
           b.name as base_class_name
      from public.documents d join public.base_classes b on b.id = d.base_class_id
     where b.id = %(base_class_id)s and b.organisation_id = %(organisation_id)s order by d.name;
"""
KEY = "service-key"


@dataclass
class Bucket:
    """A storage on loopback: GET …/object/bucket/path with the service key."""

    url: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)


@pytest.fixture
def bucket() -> Iterator[Bucket]:
    held = Bucket()

    class Storage(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            held.asked.append(self.path)
            allowed = self.headers["Authorization"] == f"Bearer {KEY}" and self.headers["apikey"] == KEY
            content = held.files.get(unquote(self.path).removeprefix("/storage/v1/object/")) if allowed else None
            self.send_response(400 if content is None else 200)
            self.send_header("Content-Type", "text/markdown")
            self.end_headers()
            self.wfile.write(content or b"{}")

        def log_message(self, *_: object) -> None:
            pass

    with web_server(Storage) as url:
        held.url = f"{url}/storage/v1"
        yield held


@pytest.fixture
async def owner(project: str) -> str:
    """The project, migrated, with documents of the application's: one as text, one as bytes."""
    await migrate(project)
    execute(
        project,
        "insert into public.documents (base_class_id, name, mime_type, content) values (%s, 'The colony', %s, %s)",
        BASE, "text/markdown", (HANDBOOK / "01-the-colony.md").read_text(),
    )  # fmt: skip
    execute(
        project,
        "insert into public.documents (base_class_id, name, file) values (%s, '11-glossary.html', %s)",
        BASE, (HANDBOOK / "11-glossary.html").read_bytes(),
    )  # fmt: skip
    return project


def execute(url: str, query: str, *values: object) -> list[dict[str, Any]]:
    with psycopg.connect(url, autocommit=True, row_factory=dict_row) as connection:
        cursor = connection.execute(query.encode(), values)
        return cursor.fetchall() if cursor.description else []


def documents(url: str) -> dict[str, dict[str, Any]]:
    query = """select d.*, (select count(*) from coursewright.passages p
                              where p.knowledge_base_id = d.knowledge_base_id and p.document = d.name) as passages
                 from coursewright.documents d order by d.name"""
    return {row["name"]: row for row in execute(url, query)}


def job_in_plain_sql(url: str) -> UUID:
    with psycopg.connect(url, autocommit=True) as connection:
        return insert(connection, {"title": "From the application"})


async def work(running: Coursewright) -> None:
    """One tick is enough: it reads what its own first step has made known."""
    assert (await running.tick(60, ring=False)).remaining == 0


async def test_a_job_in_plain_sql_is_made_from_the_applications_documents(owner: str) -> None:
    job = job_in_plain_sql(owner)
    async with program(owner, documents={"source_query": QUERY}) as running:
        await work(running)
        assert ((await running.jobs.get(job)).status, (await running.jobs.get(job)).error_message) == (
            "completed",
            None,
        )
        course, _ = await running.course(job)
    assert {source.document for source in course.sources} == {"The colony.md", "11-glossary.html"}
    found = documents(owner)
    assert {row["status"] for row in found.values()} == {"completed"}
    ids = {str(row["id"]) for row in execute(owner, "select id from public.documents")}
    assert {row["source_id"] for row in found.values()} == ids
    (base,) = execute(owner, "select * from coursewright.knowledge_bases")
    assert (base["name"], base["organisation_id"]) == ("Bees", OURS)


async def test_changes_are_followed_and_the_rest_is_not_read_again(owner: str) -> None:
    async with program(owner, documents={"source_query": QUERY}) as running:
        job_in_plain_sql(owner)
        await work(running)
        before = documents(owner)
        execute(owner, "update public.documents set content = content || ' A new sentence about bees was added here.'"
                       " where name = 'The colony'")  # fmt: skip
        job_in_plain_sql(owner)
        await work(running)
        after = documents(owner)
        assert after["The colony.md"]["sha256"] != before["The colony.md"]["sha256"]
        assert "A new sentence about bees" in after["The colony.md"]["text"]
        assert after["11-glossary.html"]["read_at"] == before["11-glossary.html"]["read_at"]
        execute(owner, "delete from public.documents where name = 'The colony'")
        job_in_plain_sql(owner)
        await work(running)
        assert documents(owner).keys() == {"11-glossary.html"}


async def test_each_job_asks_once_however_often_its_first_task_waits(owner: str) -> None:
    async with program(owner, documents={"source_query": QUERY}) as running:
        job = job_in_plain_sql(owner)
        while await running._leases.admit("w"):
            pass
        task = (await running.jobs.tasks(job))[0]
        await running.followed.follow_for_task(OURS, BASE, task.id)
        execute(owner, "delete from public.documents where name = 'The colony'")
        await running.followed.follow_for_task(OURS, BASE, task.id)
        assert len(documents(owner)) == 2  # as they were when the task became ready
        await running.followed.follow(OURS, BASE)
        assert len(documents(owner)) == 1


async def test_files_in_the_storage_are_fetched_with_the_service_key(owner: str, bucket: Bucket) -> None:
    execute(owner, "delete from public.documents")
    path = "course-files/a folder/Inspections & more.md"
    bucket.files[path] = (HANDBOOK / "05-inspections.md").read_bytes()
    for name, where in (("05-inspections.md", path), ("gone.md", "course-files/gone.md"), ("up.md", "a/../../secret")):
        execute(owner, "insert into public.documents (base_class_id, name, storage_path) values (%s, %s, %s)",
                BASE, name, where)  # fmt: skip
    settings = {"source_query": QUERY, "storage_url": bucket.url, "storage_key": KEY}
    async with program(owner, documents=settings) as running:
        await running.followed.follow(OURS, BASE)
        await running.intake.drain()
        found = documents(owner)
        assert (found["05-inspections.md"]["status"], found["05-inspections.md"]["content_type"]) == (
            "completed", "text/markdown",
        )  # fmt: skip
        assert found["05-inspections.md"]["passages"] > 3
        assert "answers 400" in found["gone.md"]["error"]
        assert "is no path in a storage" in found["up.md"]["error"]
        # What has not been changed there since is not fetched again.
        asked = len(bucket.asked)
        await running.followed.follow(OURS, BASE)
        await running.intake.drain()
        assert [each for each in bucket.asked[asked:] if "Inspections" in each] == []
        bucket.files[path] = b"# Inspections\n\nEverything about inspections is different from what it was before now."
        execute(owner, "update public.documents set updated_at = now() where storage_path = %s", path)
        await running.followed.follow(OURS, BASE)
        await running.intake.drain()
        assert "is different" in documents(owner)["05-inspections.md"]["text"]
        assert all(".." not in each for each in bucket.asked)


async def test_links_of_the_application_lead_to_the_public_web_only(owner: str) -> None:
    execute(owner, "update public.documents set content = null, file = null, link = 'http://169.254.169.254/latest'")
    async with program(owner, documents={"source_query": QUERY}) as running:
        await running.followed.follow(OURS, BASE)
        await running.intake.drain()
    assert all("not on the public internet" in row["error"] for row in documents(owner).values())


async def test_an_upload_of_the_same_name_is_left_alone(owner: str) -> None:
    async with program(owner, documents={"source_query": QUERY}) as running:
        await running.organisation(OURS).library.add(BASE, "11-glossary.html", b"<html><p>Mine alone.</p></html>")
        await running.followed.follow(OURS, BASE)
        await running.followed.follow(OURS, BASE)
    found = documents(owner)
    assert len(found) == 3
    (beside,) = [name for name in found if name.startswith("11-glossary (")]
    assert beside.endswith(".html")
    assert found["11-glossary.html"]["bytes"] < 100


async def test_what_is_too_large_or_empty_says_so(owner: str) -> None:
    execute(
        owner, "update public.documents set content = repeat('x', 1048577), file = null where mime_type is not null"
    )
    execute(owner, "update public.documents set file = null where mime_type is null")
    async with program(owner, documents={"source_query": QUERY}, api={"max_upload_mb": 1}) as running:
        await running.followed.follow(OURS, BASE)
    found = documents(owner)
    assert found["The colony.md"]["error"] == "it is larger than 1 MB"
    assert "neither text nor a file" in found["11-glossary.html"]["error"]
    assert {row["status"] for row in found.values()} == {"error"}


async def test_more_documents_than_are_allowed_are_refused(owner: str) -> None:
    async with program(owner, documents={"source_query": QUERY}, api={"max_documents": 1}) as running:
        with pytest.raises(TooLarge, match="more than 1 documents"):
            await running.followed.follow(OURS, BASE)


async def test_another_organisation_gets_nothing_and_takes_nothing(owner: str) -> None:
    async with program(owner, documents={"source_query": QUERY}) as running:
        theirs = running.organisation(UUID(int=0xB))
        with pytest.raises(NotFound):
            await theirs.documents(BASE)
        assert execute(owner, "select * from coursewright.knowledge_bases") == []
        assert len(await running.organisation(OURS).documents(BASE)) == 2
        with pytest.raises(NotFound):
            await theirs.documents(BASE)


EVIL = [
    "insert into public.documents (base_class_id, name) select id, 'x' from public.base_classes returning id, name",
    "with w as (delete from public.documents returning id, name) select * from w",
    "select public.wipe() as id, 'x' as name",
    "select 1 as id, 'x' as name; delete from public.documents",
    "select 1 as id, 'x' as name) q; delete from public.documents; select * from (select 1 as id, 'x' as name",
    "commit; delete from public.documents; select 1 as id, 'x' as name",
    "select set_config('transaction_read_only', 'off', false) as id, public.wipe() as name",
    "select pg_sleep(60)::text as id, 'x' as name",
    "select nothing from nowhere",
    "select 'x' as name",
    "select null as id, 'x' as name",
]


@pytest.mark.parametrize("query", EVIL)
async def test_a_query_that_writes_or_hangs_or_is_wrong_changes_nothing(owner: str, query: str) -> None:
    execute(owner, """create function public.wipe() returns text language sql as
                      $$ delete from public.documents; select 'gone' $$""")  # fmt: skip
    whose = "/* %(base_class_id)s %(organisation_id)s */"
    settings = {"source_query": f"{whose} {query}", "source_seconds": 0.5}
    async with program(owner, documents=settings) as running:
        with pytest.raises(ConfigurationError, match=r"documents\.source_query"):
            await running.followed.follow(OURS, BASE)
    assert len(execute(owner, "select * from public.documents")) == 2
    assert execute(owner, "select * from coursewright.documents") == []


async def test_a_query_must_ask_whose_documents_are_wanted(owner: str) -> None:
    with pytest.raises(ConfigurationError, match="organisation_id"):
        async with program(owner, documents={"source_query": "select 1 as id where %(base_class_id)s is null"}):
            pass


async def test_a_form_gets_the_applications_documents_too(owner: str) -> None:
    """The page asks what a knowledge base is good for before anybody has made a course of it."""
    async with program(owner, documents={"source_query": QUERY}) as running:
        ours = running.organisation(OURS)
        assert [each.status for each in await ours.documents(BASE)] == ["queued", "queued"]
        await running.intake.drain()
        assert (await ours.analysis(BASE)).analysis.documents == 2
        with pytest.raises(NotFound):
            await ours.documents(uuid4())
    assert len(execute(owner, "select * from coursewright.knowledge_bases")) == 1
