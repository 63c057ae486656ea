"""What existing front ends rely on, one test for each table, column, word and route of `contract.toml`.

A course is made once, with a failure on the way; what the database and the routes then say is compared.
"""

import asyncio
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, LiteralString
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg import sql

from coursewright.api.schemas import Order
from coursewright.db.pool import open_pool
from coursewright.generation.graph import first_tasks
from coursewright.queue import Fail
from coursewright.queue.leases import Leases
from coursewright.settings import DatabaseSettings
from tests.conftest import cloned
from tests.integration.api.conftest import Service, served

pytestmark = pytest.mark.xdist_group("contract")  # one worker makes what all of them use

CONTRACT = tomllib.loads((Path(__file__).parent / "contract.toml").read_text(encoding="utf-8"))
COLUMNS = [(table, name) for table, each in CONTRACT["tables"].items() for name in each["columns"].split()]
STATES = [
    (table, column, word)
    for table, each in CONTRACT["tables"].items()
    for column, words in each.items()
    if column != "columns"
    for word in words
]
WORDS = [(name, word) for name, words in CONTRACT["words"].items() for word in words.split()]
READS = [(number, path) for number, route in enumerate(CONTRACT["routes"]) for path in route["reads"].split()]
# Columns that only an event which this scenario lacks fills, and which.
NOT_HERE = {
    ("course_generation_jobs", "error_message"): "a job that failed",
    ("course_generation_jobs", "estimated_completion_time"): "a job under way",
    ("course_generation_tasks", "estimated_duration_seconds"): "an author that foresees it",
}


@dataclass
class Observed:
    """What the scenario left behind."""

    url: str
    job: UUID
    filled: set[tuple[str, str]] = field(default_factory=set)
    answers: list[Any] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)


@pytest.fixture(scope="module")
def observed(database_server: str, template_database: str, worker_id: str) -> Iterator[Observed]:
    """Make a course with a failure on the way, then call every route."""
    with cloned(database_server, template_database, worker_id) as url:
        yield asyncio.run(_scenario(url))


async def _scenario(url: str) -> Observed:
    api = {"url_networks": ["127.0.0.0/8"]}
    async with (
        open_pool(url, DatabaseSettings()) as pool,
        served(pool, url, limits={"enabled": False}, api=api) as service,
    ):
        base = await service.upload()
        job = await service.ask(base)
        leases = Leases(pool, first_tasks())
        await leases.admit("test")
        (lease,) = await leases.claim("test", 1, 15)
        failure = Fail("The provider is slow.", "api_timeout", details={"status": 504}, suggestions=("Try again.",))
        assert await leases.fail(lease, failure, 0)
        after_failure = _filled(url)
        await service.program.finish(job)
        await service.ask(base, scheduledFor="2099-01-01T00:00:00Z")
        observed = Observed(url, job, after_failure | _filled(url))
        await _call_all(service, observed, base)
        observed.filled |= _filled(url)
        return observed


async def _call_all(service: Service, observed: Observed, base: UUID) -> None:
    listed = await service.ours.http.get("/api/knowledge-base/documents", params={"base_class_id": str(base)})
    document = listed.json()["documents"][0]
    course = (await service.ours.http.get(f"/api/courses/{observed.job}")).json()["course"]
    passage = next(each["passage_id"] for each in course["sources"] if each["document"] == document["name"])
    names = {
        "base": base,
        "job": observed.job,
        "document": document["id"],
        "passage": passage,
        "pending": f"exam-{base}",
    }
    for route in CONTRACT["routes"]:
        method, path = route["call"].split(" ", 1)
        request: dict[str, Any] = {}
        if path.endswith("/upload"):
            request["files"] = {"file": ("more.md", b"# More\n\nText.")}
        elif method == "POST":
            body = {
                key: [part.format(**names) for part in value] if isinstance(value, list) else value
                for key, value in route.get("body", {}).items()
            }
            if "base_class_id" in body:
                body["base_class_id"] = str(base)
            if path.endswith("/v2"):
                body |= {"baseClassId": str(base)}
            if path.endswith("/user-action"):
                # What is done is done again: the job is under way from here on.
                body |= {"jobId": str(observed.job)}
            request["json"] = body
        answer = await service.ours.http.request(method, path.format(**names), **request)
        observed.statuses.append(answer.status_code)
        observed.answers.append(answer.json())


def _found(value: Any, path: str) -> bool:
    for part in path.split("."):
        name, is_list, _ = part.partition("[]")
        if not isinstance(value, dict) or name not in value:
            return False
        value = value[name]
        if is_list:
            if not value:
                return False
            value = value[0]
    return True


def _rows(url: str, query: LiteralString, *names: str, values: list[Any] | None = None) -> list[tuple[Any, ...]]:
    with psycopg.connect(url) as connection:
        written = sql.SQL(query).format(*map(sql.Identifier, names))
        return connection.execute(written, values).fetchall()


def _filled(url: str) -> set[tuple[str, str]]:
    """Return the columns that hold anything now."""
    query: LiteralString = "select count({}) from public.{}"
    return {(table, column) for table, column in COLUMNS if _rows(url, query, column, table) != [(0,)]}


@pytest.mark.parametrize("number", range(len(CONTRACT["routes"])), ids=lambda n: CONTRACT["routes"][n]["call"])
def test_the_route_answers(observed: Observed, number: int) -> None:
    assert observed.statuses[number] in (200, 202), observed.answers[number]


@pytest.mark.parametrize("number, path", READS, ids=lambda each: str(each))
def test_the_page_finds_what_it_reads(observed: Observed, number: int, path: str) -> None:
    assert _found(observed.answers[number], path), observed.answers[number]


@pytest.mark.parametrize("table, column", COLUMNS)
def test_the_column_exists_and_is_filled(observed: Observed, table: str, column: str) -> None:
    _rows(observed.url, "select {} from public.{} limit 1", column, table)
    if (table, column) not in NOT_HERE:
        assert (table, column) in observed.filled, f"nothing fills {table}.{column}"


@pytest.mark.parametrize("table, column, word", STATES)
def test_the_word_may_stand_in_the_column(observed: Observed, table: str, column: str, word: str) -> None:
    write = sql.SQL("update public.{} set {} = %s").format(sql.Identifier(table), sql.Identifier(column))
    with psycopg.connect(observed.url) as connection:
        connection.execute(write, [word])
        connection.rollback()
        with pytest.raises(psycopg.errors.CheckViolation):
            connection.execute(write, [f"not {word}"])


def test_no_table_is_there_that_nothing_fills(observed: Observed) -> None:
    tables = _rows(
        observed.url,
        "select tablename from pg_tables where schemaname = 'public' and tablename like 'course_generation%'",
    )
    assert {name for (name,) in tables} == set(CONTRACT["filled"]["tables"].split())
    for (name,) in tables:
        assert _rows(observed.url, "select count(*) from public.{}", name) != [(0,)], name


@pytest.mark.parametrize("name, word", WORDS)
def test_the_request_knows_the_word(name: str, word: str) -> None:
    body: dict[str, Any] = {"baseClassId": str(uuid4()), name: word}
    if name == "assessmentDifficulty":
        body = {"baseClassId": str(uuid4()), "assessmentSettings": {name: word}}
    request = Order.model_validate(body).request("llm")
    assert word in {request.level, request.detail, request.mode, request.difficulty}


@pytest.mark.parametrize("kind, pattern", CONTRACT["identifiers"].items())
def test_tasks_are_named_as_pages_expect(observed: Observed, kind: str, pattern: str) -> None:
    named = _rows(
        observed.url, "select task_identifier from public.course_generation_tasks where task_type = %s", values=[kind]
    )
    assert named
    assert all(re.search(pattern, name) for (name,) in named)


def test_the_result_says_what_came_out(observed: Observed) -> None:
    status = observed.answers[2]["job"]["result_data"]
    assert set(CONTRACT["results"]["result_data"].split()) <= status.keys()
    assert set(CONTRACT["results"]["taskSummary"].split()) <= status["taskSummary"].keys()


def test_every_public_table_has_row_level_security(observed: Observed) -> None:
    assert not _rows(
        observed.url,
        """select relname from pg_class where relnamespace = 'public'::regnamespace and relkind = 'r'
            and relname like 'course_generation%' and not relrowsecurity""",
    )
