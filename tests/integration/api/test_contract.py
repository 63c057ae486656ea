"""What existing front ends rely on: a test for each row of docs/reference/front-end.md, and for each word in it.

A course is made once, with failures on the way; what the database and the routes then say is compared.
"""

import asyncio
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, LiteralString
from uuid import UUID, uuid4

import httpx2
import psycopg
import pytest
from psycopg import sql

from coursewright.api.schemas import Order
from coursewright.db.pool import Pool, connect_sync, open_pool
from coursewright.errors import CallTimedOut, CoursewrightError, InvalidRequest, NoUsableReply, SubprocessDied
from coursewright.generation.graph import first_tasks
from coursewright.queue import Fail, Lease, Outcome, Worker
from coursewright.queue.leases import Leases
from coursewright.queue.submission import at_once, windows
from coursewright.settings import DatabaseSettings, LimitSettings, WorkerSettings
from tests.conftest import cloned
from tests.front_end import paths, rows, words
from tests.integration.api.conftest import Service, served

pytestmark = pytest.mark.xdist_group("contract")  # one worker makes what all of them use

COLUMNS = [(table, name) for table, names in rows("table", "columns") for name in names.split(", ")]
WORDS = words()
CHECKED = [
    (*where.split("."), word)
    for where, listed in WORDS.items()
    if re.match(r"course_generation_\w+\.(status|error_severity|level)$", where)
    for word in listed
]
REQUESTED = ("academicLevel", "lessonDetailLevel", "generationMode", "assessmentDifficulty")
ROUTES = {route: (sent, list(paths(reads))) for route, sent, reads in rows("route", "sent", "what the page reads")}
LIMITS = rows("role", "a minute", "an hour", "a day", "at once")

V2, KB = "/api/course-generation/v2", "/api/knowledge-base"
EXAM = {"taskIds": ["{exam}"], "actionContext": {"why": "test"}}
# What is sent, in this order, after all that only reads. Some of it changes the job: the next ones build on that.
CALLS: list[tuple[str, dict[str, Any]]] = [
    (f"POST {V2}", {"baseClassId": "{base}", "title": "Bees"}),
    *((f"POST {V2}/export/{{jobId}}", {"format": each}) for each in WORDS["format"]),
    (f"POST {KB}/search", {"query": "What does a queen lay?", "base_class_id": "{base}"}),
    (f"POST {V2}/user-action", {"jobId": "{job}", "actionType": "retry_task", **EXAM}),
    (f"POST {V2}/user-action", {"jobId": "{job}", "actionType": "pause_job"}),
    (f"POST {V2}/user-action", {"jobId": "{job}", "actionType": "resume_job"}),
    (f"POST {V2}/user-action", {"jobId": "{job}", "actionType": "export_report"}),
    (f"POST {KB}/jobs/{{jobId}}/clear", {}),
    ("POST /api/course-generation/dismiss-job/{jobId}", {}),
    (f"POST {V2}/user-action", {"jobId": "{job}", "actionType": "cancel_job"}),
    (f"POST {KB}/jobs/{{jobId}}/resume", {}),
    (f"POST {V2}/user-action", {"jobId": "{job}", "actionType": "skip_task", **EXAM}),
    (f"POST {KB}/jobs/{{jobId}}/regenerate", {"taskIdentifier": "{section}"}),
    (f"POST {KB}/jobs/{{jobId}}/health", {}),
    (f"POST {V2}/user-action", {"jobId": "{job}", "actionType": "cancel_job"}),
    (f"POST {KB}/jobs/{{jobId}}/restart", {}),
    (f"POST {V2}/user-action", {"jobId": "{job}", "actionType": "cancel_job"}),
    (f"POST {KB}/jobs/{{jobId}}/regenerate", {"taskId": "{analysis}"}),
    (f"POST {KB}/upload", {"file": "more.md", "base_class_id": "{base}"}),
    (f"POST {KB}/url", {"url": "http://127.0.0.1:9/page.html", "base_class_id": "{base}"}),
]
# What a step meets, and the category under which a page finds the failure.
ERRORS: dict[str, CoursewrightError] = {
    "api_timeout": CallTimedOut("No whole reply came in 60 s."),
    "validation_failed": NoUsableReply("All replies were rejected.", reasons=("It is no JSON.",)),
    "resource_exhausted": SubprocessDied("The subprocess was killed."),
    "invalid_request": InvalidRequest("There is no such language."),  # a page that has no word for it reads the code
}
TASKS_OF = {
    "generate_course_v2": {
        "knowledge_analysis", "outline_generation", "lesson_section", "lesson_assessment", "lesson_mind_map",
        "lesson_brainbytes", "path_quiz", "class_exam", "content_validation",
    },
    "generate_outline": {"knowledge_analysis", "outline_generation"},
}  # fmt: skip


@dataclass
class Observed:
    """What the scenario left behind."""

    url: str
    jobs: dict[str, UUID] = field(default_factory=dict)  # by what they show
    filled: set[tuple[str, str]] = field(default_factory=set)
    documents: set[str] = field(default_factory=set)  # states that were seen
    dequeued: list[Any] = field(default_factory=list)
    answers: list[tuple[str, dict[str, Any], httpx2.Response]] = field(default_factory=list)

    def told(self, route: str, **sent: str) -> list[httpx2.Response]:
        """Return the answers to calls of a route with these parts of the body."""
        return [answer for called, body, answer in self.answers if called == route and sent.items() <= body.items()]


@pytest.fixture(scope="module")
def observed(database_server: str, template_database: str, worker_id: str) -> Iterator[Observed]:
    """Make a course with failures, then call every route."""
    with cloned(database_server, template_database, worker_id) as url:
        yield asyncio.run(_scenario(url))


async def _scenario(url: str) -> Observed:
    seen = Observed(url)
    api = {"url_networks": ["127.0.0.0/8"]}
    async with (
        open_pool(url, DatabaseSettings()) as pool,
        served(pool, url, limits={"enabled": False}, api=api) as service,
    ):
        base = await service.upload()
        seen.jobs["generate_course_v2"] = job = await service.ask(base)
        leases = Leases(pool, first_tasks())
        await leases.admit("test")
        (lease,) = await leases.claim("test", 1, 15)
        failure = Fail("The provider is slow.", "api_timeout", details={"status": 504}, suggestions=("Try again.",))
        assert await leases.fail(lease, failure, 0)
        seen.filled |= _filled(url)
        estimated = [("course_generation_jobs", "estimated_completion_time")]  # while it is under way
        await service.program.finish(job, on_progress=lambda _: seen.filled.update(_filled(url, estimated)))
        for category, error in ERRORS.items():
            seen.jobs[category] = await service.ask(base)
            await _meet(pool, url, seen.jobs[category], error)
        seen.jobs["generate_outline"] = await service.ask(base, jobType="generate_outline")
        await service.program.finish(seen.jobs["generate_outline"])
        await service.ask(base, scheduledFor="2099-01-01T00:00:00Z")
        seen.jobs["dequeued"] = await service.ask(base)
        seen.dequeued = [_rows(url, "select public.dequeue_course_job('a page')")[0][0] for _ in range(2)]
        seen.filled |= _filled(url)
        await _read(service, seen)
        await _call_all(service, seen, base, job)
        seen.filled |= _filled(url)
        return seen


async def _meet(pool: Pool, url: str, job: UUID, error: CoursewrightError) -> None:
    """Have a worker meet an error in a job's first step."""

    async def step(lease: Lease) -> Outcome:
        worker.stop()
        raise error

    worker = Worker(
        Leases(pool, first_tasks()),
        step,
        lambda: connect_sync(url, DatabaseSettings()),
        WorkerSettings(),
        only_job=job,
    )
    await worker.run()


async def _read(service: Service, seen: Observed) -> None:
    """Have a good and a bad document read, and look at them all the while."""
    base = uuid4()
    for name, content in {"good.md": b"# Bees\n\nA queen lays eggs.", "bad.pdf": b"no PDF"}.items():
        files, form = {"file": (name, content)}, {"base_class_id": str(base)}
        assert (await service.ours.http.post(f"{KB}/upload", files=files, data=form)).status_code == 202

    async def look() -> None:
        answer = await service.ours.http.get(f"{KB}/documents", params={"base_class_id": str(base)})
        seen.documents |= {each["status"] for each in answer.json()["documents"]}

    await look()
    reading = asyncio.create_task(service.program.intake.once())
    while not reading.done():
        await look()
    await reading
    await look()


async def _call_all(service: Service, seen: Observed, base: UUID, job: UUID) -> None:
    http = service.ours.http
    listed = (await http.get(f"{KB}/documents", params={"base_class_id": str(base)})).json()
    document = listed["documents"][0]
    course = (await http.get(f"/api/courses/{job}")).json()["course"]
    tasks = (await http.get(f"{V2}/tasks/{job}")).json()["tasksByType"]
    names = {
        "base": str(base),
        "job": str(job),
        "exam": f"exam-{base}",
        "section": tasks["lesson_section"][0]["task_identifier"],
        "analysis": tasks["knowledge_analysis"][0]["id"],
    }
    values = {
        "baseClassId": base,
        "base_class_id": base,
        "documentId": document["id"],
        "chunkId": next(each["passage_id"] for each in course["sources"] if each["document"] == document["name"]),
    }
    reading: list[tuple[str, dict[str, Any]]] = [(route, {}) for route in ROUTES if route.startswith("GET ")]
    for route, sent in [*reading, *CALLS]:
        body = {key: _named(value, names) for key, value in sent.items()}
        method, path = route.replace("{jobId}", str(job)).split(" ", 1)
        path = re.sub(r"(\w+)=", lambda found: f"{found[0]}{values[found[1]]}", path)
        request: dict[str, Any] = {"json": body} if body else {}
        if "file" in body:
            request = {"files": {"file": (body.pop("file"), b"# More\n\nText.")}, "data": body}
        seen.answers.append((route, sent, await http.request(method, path, **request)))


def _named(value: Any, names: dict[str, str]) -> Any:
    if isinstance(value, list):
        return [_named(each, names) for each in value]
    return value.format(**names) if isinstance(value, str) else value


def _found(value: Any, path: str) -> bool:
    """Tell whether every element on the way has what the path names."""
    name, _, rest = path.partition(".")
    if not isinstance(value, dict) or name.removesuffix("[]") not in value:
        return False
    inner = value[name.removesuffix("[]")]
    if name.endswith("[]"):
        return bool(inner) and all(_found(each, rest) for each in inner)
    return not rest or _found(inner, rest)


def _rows(url: str, query: LiteralString, *names: str, values: list[Any] | None = None) -> list[tuple[Any, ...]]:
    with psycopg.connect(url) as connection:
        written = sql.SQL(query).format(*map(sql.Identifier, names))
        return connection.execute(written, values).fetchall()


def _filled(url: str, columns: Iterable[tuple[str, str]] = COLUMNS) -> set[tuple[str, str]]:
    """Return the columns that hold anything now."""
    query: LiteralString = "select count({}) from public.{}"
    return {(table, column) for table, column in columns if _rows(url, query, column, table) != [(0,)]}


@pytest.mark.parametrize("route", ROUTES)
def test_the_route_answers(observed: Observed, route: str) -> None:
    answers = observed.told(route)
    assert answers
    for answer in answers:
        assert answer.status_code in (200, 202), answer.text


@pytest.mark.parametrize("route, path", [(route, path) for route, (_, reads) in ROUTES.items() for path in reads])
def test_the_page_finds_what_it_reads(observed: Observed, route: str, path: str) -> None:
    for answer in observed.told(route):
        if answer.headers["content-type"] == "application/json":
            assert _found(answer.json(), path), answer.text


@pytest.mark.parametrize("route, name", [(route, name) for route, (sent, _) in ROUTES.items() for name in paths(sent)])
def test_what_the_page_sends_was_sent(route: str, name: str) -> None:
    assert {route for route, _ in CALLS} <= set(ROUTES)
    assert any(name in sent for called, sent in CALLS if called == route)


@pytest.mark.parametrize("table, column", COLUMNS)
def test_the_column_exists_and_is_filled(observed: Observed, table: str, column: str) -> None:
    _rows(observed.url, "select {} from public.{} limit 1", column, table)
    assert (table, column) in observed.filled, f"nothing fills {table}.{column}"


def test_durations_are_estimated_from_what_was_seen(observed: Observed) -> None:
    query: LiteralString = (
        "select estimated_duration_seconds from public.course_generation_tasks "
        "where job_id = %s and task_type = 'knowledge_analysis'"
    )
    assert _rows(observed.url, query, values=[observed.jobs["generate_course_v2"]]) == [(None,)]
    ((seconds,),) = _rows(observed.url, query, values=[observed.jobs["generate_outline"]])
    assert seconds >= 1


def test_no_table_is_there_that_nothing_fills(observed: Observed) -> None:
    tables = _rows(
        observed.url,
        "select tablename from pg_tables where schemaname = 'public' and tablename like 'course_generation%'",
    )
    assert {name for (name,) in tables} == {table for table, _ in COLUMNS}


def test_every_public_table_has_row_level_security(observed: Observed) -> None:
    assert not _rows(
        observed.url,
        """select relname from pg_class where relnamespace = 'public'::regnamespace and relkind = 'r'
            and relname like 'course_generation%' and not relrowsecurity""",
    )


def test_every_kind_of_words_has_a_test() -> None:
    elsewhere = {"contentDepth"}  # tests/unit/generation/test_counting.py
    here = {f"{table}.{column}" for table, column, _ in CHECKED} | {*REQUESTED, "documents[].status", "actionType"}
    here |= {"format", "course_generation_jobs.job_type", "course_generation_tasks.error_category"}
    assert set(WORDS) == here | elsewhere


@pytest.mark.parametrize("table, column, word", CHECKED)
def test_the_word_may_stand_in_the_column(observed: Observed, table: str, column: str, word: str) -> None:
    write = sql.SQL("update public.{} set {} = %s").format(sql.Identifier(table), sql.Identifier(column))
    with psycopg.connect(observed.url) as connection:
        connection.execute(write, [word])
        connection.rollback()
        with pytest.raises(psycopg.errors.CheckViolation):
            connection.execute(write, [f"not {word}"])


@pytest.mark.parametrize("word", WORDS["course_generation_jobs.job_type"])
def test_a_job_of_the_type_is_done(observed: Observed, word: str) -> None:
    query: LiteralString = "select distinct task_type from public.course_generation_tasks where job_id = %s"
    assert {kind for (kind,) in _rows(observed.url, query, values=[observed.jobs[word]])} == TASKS_OF[word]


@pytest.mark.parametrize("word", [*WORDS["course_generation_tasks.error_category"], "invalid_request"])
def test_failures_have_the_category(observed: Observed, word: str) -> None:
    for table in ("course_generation_tasks", "course_generation_errors"):
        query: LiteralString = "select error_category from public.{} where job_id = %s and error_category is not null"
        found = _rows(observed.url, query, table, values=[observed.jobs[word]])
        assert found[0] == (word,), table


@pytest.mark.parametrize("word", WORDS["documents[].status"])
def test_documents_are_seen_in_the_state(observed: Observed, word: str) -> None:
    assert word in observed.documents


@pytest.mark.parametrize("word", WORDS["actionType"])
def test_the_action_is_carried_out(observed: Observed, word: str) -> None:
    answers = observed.told(f"POST {V2}/user-action", actionType=word)
    assert answers
    assert all(answer.json()["success"] is True for answer in answers)
    assert _rows(
        observed.url, "select 1 from public.course_generation_user_actions where action_type = %s", values=[word]
    )


@pytest.mark.parametrize("word", WORDS["format"])
def test_the_report_comes_in_the_format(observed: Observed, word: str) -> None:
    (answer,) = observed.told(f"POST {V2}/export/{{jobId}}", format=word)
    kinds = {
        "json": ("application/json", b"{"),
        "csv": ("text/csv", b"task_identifier"),
        "pdf": ("application/pdf", b"%PDF-"),
    }
    kind, beginning = kinds[word]
    assert answer.headers["content-type"].startswith(kind)
    assert answer.content.lstrip(b"\xef\xbb\xbf").startswith(beginning), answer.content[:80]


@pytest.mark.parametrize("name, word", [(name, word) for name in REQUESTED for word in WORDS[name]])
def test_the_request_knows_the_word(name: str, word: str) -> None:
    body: dict[str, Any] = {"baseClassId": str(uuid4()), name: word}
    if name == "assessmentDifficulty":
        body = {"baseClassId": str(uuid4()), "assessmentSettings": {name: word}}
    request = Order.model_validate(body).request("llm")
    field_of = {"academicLevel": "level", "lessonDetailLevel": "detail", "generationMode": "mode"}
    assert getattr(request, field_of.get(name, "difficulty")) == word


@pytest.mark.parametrize("kind, pattern", rows("task_type", "task_identifier"))
def test_tasks_are_named_as_pages_expect(observed: Observed, kind: str, pattern: str) -> None:
    expression = pattern.replace("<n>", r"\d+").replace("<base class>", "[0-9a-f-]{36}")
    expression = re.sub(r"<\w+>", ".+", expression)
    query: LiteralString = "select task_identifier from public.course_generation_tasks where task_type = %s"
    named = _rows(observed.url, query, values=[kind])
    assert named
    assert all(re.fullmatch(expression, name) for (name,) in named), named


def test_the_next_job_comes_as_one_object_or_null(observed: Observed) -> None:
    one, nothing = observed.dequeued
    assert set(one) == {"id", "job_id", "priority", "scheduled_for", "job"}
    assert one["job_id"] == one["job"]["id"] == str(observed.jobs["dequeued"])
    assert nothing is None


@pytest.mark.parametrize("role, minute, hour, day, most", LIMITS)
def test_the_role_has_the_limits(role: str, minute: str, hour: str, day: str, most: str) -> None:
    limits = LimitSettings()
    found = [(each["scope"], each["seconds"], each["most"]) for each in windows(limits, role)]
    assert found == [("user", 60, int(minute)), ("user", 3600, int(hour)), ("user", 86400, int(day))]
    assert at_once(limits, role) == int(most)


def test_a_hundred_jobs_run_at_once(observed: Observed) -> None:
    assert _rows(observed.url, "select max_running from coursewright.admission") == [(100,)]
