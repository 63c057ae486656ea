"""For every route of the API's own description: another organisation's key meets 404, and nothing changes by it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest

from coursewright.api.application import create_app
from coursewright.db.pool import Pool
from tests.integration.api.conftest import Service, settings_for

# Routes that say nothing of any organisation, and why.
OPEN = {
    ("get", "/healthz"): "alive or not",
    ("get", "/readyz"): "able to work or not",
    ("get", "/metrics"): "has a token of its own",
    ("get", "/api/cron/process-courses"): "has a secret of its own",
    ("post", "/api/cron/process-courses"): "has a secret of its own",
    ("post", "/process-course"): "is signed",
    ("post", "/api/webhooks/openai"): "is signed",
}
# Routes that name no single thing: they answer, with the caller's own things only.
LISTS = {("get", "/api/course-generation/v2"), ("get", "/api/course-generation/active-jobs")}

Operation = tuple[str, str, dict[str, Any]]


def _described() -> dict[str, Any]:
    def never() -> Any:
        raise AssertionError("only the description is asked for")

    described: dict[str, Any] = create_app(settings_for("postgresql://unused"), never).openapi()
    return described


DESCRIPTION = _described()


def operations() -> Iterator[Operation]:
    for path, methods in DESCRIPTION["paths"].items():
        for method, operation in methods.items():
            yield method, path, operation


GUARDED = [each for each in operations() if each[:2] not in OPEN]


@dataclass
class Things:
    """What belongs to one organisation."""

    base: UUID
    job: UUID
    course: UUID
    document: str
    passage: str
    task: str

    def named(self, name: str) -> str | None:
        return {
            "jobid": str(self.job),
            "courseid": str(self.course),
            "baseclassid": str(self.base),
            "documentid": self.document,
            "chunkid": self.passage,
            "taskidentifier": self.task,
        }.get(name.replace("_", "").lower())


@pytest.fixture
async def things(service: Service) -> Things:
    base, course = await service.course()
    job = await service.ask(base)
    leases = service.program.worker()
    await leases.cycle()  # admitted: there are tasks, and a lease
    async with service.program._pool.connection() as connection:
        rows = await connection.execute("select document, id from coursewright.passages limit 1")
        row = await rows.fetchone()
    assert row is not None
    documents = await service.program.organisation(service.ours.organisation).library.documents(base)
    return Things(base, job, course, str(documents[0].id), row[1], "knowledge-analysis")


def _resolve(schema: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in schema:
        schema = DESCRIPTION["components"]["schemas"][schema["$ref"].rsplit("/", 1)[-1]]
    return schema


def _body(schema: dict[str, Any], things: Things) -> Any:
    """Build a body from its schema: ids are those of the things, the rest whatever is required."""
    schema = _resolve(schema)
    if "anyOf" in schema:
        schema = _resolve(schema["anyOf"][0])
    body: dict[str, Any] = {}
    for name, part in schema.get("properties", {}).items():
        if (value := things.named(name)) is not None:
            body[name] = value
        elif name in schema.get("required", []):
            body[name] = _example(part)
    return body


def _example(part: dict[str, Any]) -> Any:
    part = _resolve(part)
    if "enum" in part:
        return "cancel_job" if "cancel_job" in part["enum"] else part["enum"][0]
    if part.get("format") == "uri":
        return "http://127.0.0.1:9/page.html"
    return {"string": "text", "integer": 1, "array": [], "object": {}}[part.get("type", "string")]


def _request(operation: Operation, things: Things) -> dict[str, Any]:
    method, path, described = operation
    query = {}
    for parameter in described.get("parameters", []):
        value = things.named(parameter["name"])
        if parameter["in"] == "path":
            assert value is not None, f"{path}: what is {parameter['name']}? Teach it to this test."
            path = path.replace("{" + parameter["name"] + "}", value)
        elif parameter["in"] == "query" and value is not None:
            query[parameter["name"]] = value
    request: dict[str, Any] = {"method": method.upper(), "url": path, "params": query}
    content = described.get("requestBody", {}).get("content", {})
    if "application/json" in content:
        request["json"] = _body(content["application/json"]["schema"], things)
    elif "multipart/form-data" in content:
        request["data"] = {"base_class_id": str(things.base)}
        request["files"] = {"file": ("stolen.md", b"# Mine\n\nText.")}
    return request


async def _everything(pool: Pool) -> dict[str, str]:
    """Return a fingerprint of every table."""
    async with pool.connection() as connection:
        tables = await connection.execute(
            """select format('%I.%I', schemaname, tablename) from pg_tables
                where schemaname in ('public', 'coursewright')"""
        )
        prints = {}
        for (table,) in await tables.fetchall():
            query = f"select md5(string_agg(t::text, ' ' order by t::text)) from {table} t"  # noqa: S608 (its own name)
            prints[table] = str(await (await connection.execute(query.encode())).fetchone())
    return prints


def test_every_route_is_guarded_or_open_on_purpose() -> None:
    assert {each[:2] for each in operations() if "security" not in each[2]} == set(OPEN)


async def test_nobody_gets_anywhere_without_a_key(service: Service, things: Things, pool: Pool) -> None:
    before = await _everything(pool)
    for operation in GUARDED:
        answer = await service.anonymous.request(**_request(operation, things))
        assert answer.status_code == 401, (operation[:2], answer.text)
        assert answer.headers["www-authenticate"] == "Bearer"
    assert await _everything(pool) == before


async def test_another_organisation_gets_nowhere(service: Service, things: Things, pool: Pool) -> None:
    before = await _everything(pool)
    for operation in GUARDED:
        request = _request(operation, things)
        answer = await service.theirs.http.request(**request)
        if operation[:2] in LISTS and not request["params"]:
            assert answer.status_code == 200
        else:
            assert answer.status_code == 404, (operation[:2], request, answer.text)
        assert things.passage not in answer.text
        if operation[:2] in LISTS:
            listed = await service.theirs.http.request(**(request | {"params": {}}))
            assert str(things.job) not in listed.text
    assert await _everything(pool) == before


async def test_the_requests_would_get_somewhere_with_the_right_key(service: Service, things: Things) -> None:
    """Else the tests above prove nothing: the same requests must reach the thing itself (or its present state)."""
    # What forgets others with it comes last.
    last = sorted(GUARDED, key=lambda each: (each[0] == "delete", "{baseClassId}" in each[1]))
    for operation in last:
        if operation[1].endswith("/events/{jobId}"):
            continue  # a stream without end
        answer = await service.ours.http.request(**_request(operation, things))
        reached = (200,) if operation[0] == "delete" or "/courses/" in operation[1] else (200, 202, 409)
        assert answer.status_code in reached, (operation[:2], answer.text)


async def test_row_level_security_stands_behind_the_conditions(service: Service, things: Things) -> None:
    theirs = service.program.organisation(service.theirs.organisation)
    assert await theirs.jobs.tasks(things.job) == []  # a query that names no organisation
    assert await theirs.jobs.newest() == []
    assert await theirs.jobs.events(things.job) == []
    assert await theirs.jobs.skip(things.job, [things.job]) == 0
