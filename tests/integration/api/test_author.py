"""Who writes what a POST asks for: a model within the budgets where one is configured, else the built-in author."""

from collections.abc import AsyncIterator, Iterator
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from psycopg.rows import scalar_row

from coursewright.db.pool import Pool
from tests.integration.api.conftest import OURS, Service, served
from tests.wire import simulator

ROUTE = "/api/course-generation/v2"
MODEL = "compatible:careful"


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with simulator("--good", "--steady", "--seed", "2", "--latency", "0.005") as port:
        yield port


def with_model(port: int, **providers: Any) -> dict[str, Any]:
    known = {"base_url": f"http://127.0.0.1:{port}/v1", "model": MODEL, "job_budget": 5}
    return {
        "limits": {"enabled": False},
        "providers": known | providers,
        "gateway": {"prices": {"compatible:*": "1/2"}},
    }


@pytest.fixture
async def modelled(pool: Pool, database_url: str, port: int) -> AsyncIterator[Service]:
    """The service with a model configured, and one more that may be named."""
    sections = with_model(port) | {"generation": {"models": ["compatible:other"]}}
    async with served(pool, database_url, **sections) as started:
        yield started


async def scalar(pool: Pool, query: str, *values: object) -> Any:
    async with pool.connection() as connection, connection.cursor(row_factory=scalar_row) as cursor:
        await cursor.execute(query.encode(), values)
        return await cursor.fetchone() if cursor.description else None


async def ask(service: Service, base: UUID, **body: Any) -> Any:
    return await service.ours.http.post(ROUTE, json={"baseClassId": str(base)} | body)


async def test_a_configured_model_writes_and_what_it_costs_is_said_before_and_after(modelled: Service) -> None:
    base = await modelled.upload("11-glossary.html")
    answer = await ask(modelled, base, academicLevel="college", userGuidance="Keep it short.")
    assert answer.status_code == 202, answer.text
    told = answer.json()
    assert (told["author"], told["model"], told["message"]) == ("llm", MODEL, "The course is queued.")
    assert 0 < told["estimate"]["lowUsd"] <= told["estimate"]["highUsd"] < told["estimate"]["capUsd"] == 5
    assert 0 < told["estimate"]["lowMinutes"] <= told["estimate"]["highMinutes"]
    job = await modelled.program.finish(UUID(told["jobId"]))
    assert job.status == "completed"
    course, _ = await modelled.program.course(job.id)
    assert (course.provenance.author, course.provenance.model) == ("llm", MODEL)
    status = (await modelled.ours.http.get(f"/api/knowledge-base/generation-status/{job.id}")).json()
    assert status["job"]["generation_config"]["author"] == "llm"
    assert 0 < status["spend_usd"] < told["estimate"]["highUsd"]
    assert status["eta_seconds"] is None
    analytics = (await modelled.ours.http.get(f"{ROUTE}/analytics/{job.id}")).json()["analytics"]
    assert analytics["spendUsd"] == status["spend_usd"]
    assert analytics["calls"] > 5
    assert (await modelled.program.ledger.spent_by_job(job.id)).cap == Decimal(5)


async def test_without_a_model_the_built_in_author_writes_and_costs_nothing(service: Service) -> None:
    base = await service.upload("11-glossary.html")
    answer = await ask(service, base, academicLevel="college")
    told = answer.json()
    assert (told["author"], told["model"], told["estimate"]) == ("extractive", None, None)
    assert "Left out, because it takes a model: a reading level." in told["message"]
    await service.program.finish(UUID(told["jobId"]))
    status = (await service.ours.http.get(f"/api/knowledge-base/generation-status/{told['jobId']}")).json()
    assert (status["spend_usd"], status["eta_seconds"]) == (0, None)


async def test_while_documents_are_read_the_cost_is_not_known_yet(modelled: Service) -> None:
    base = UUID(int=77)
    await modelled.program.organisation(OURS).library.add(base, "a.md", b"# Bees\n\nBees make honey in a hive.")
    told = (await ask(modelled, base)).json()
    assert (told["author"], told["estimate"]) == ("llm", None)


async def test_the_author_may_be_named(modelled: Service) -> None:
    base = await modelled.upload("11-glossary.html")
    told = (await ask(modelled, base, author="extractive")).json()
    assert (told["author"], told["model"]) == ("extractive", None)
    refused = await ask(modelled, base, author="extractive", model=MODEL)
    assert refused.status_code == 422
    assert "asks no model" in refused.json()["error"]


@pytest.mark.parametrize("model", ["compatible:dear", "openai:gpt-5.4", "nonsense", "anthropic:"])
async def test_only_a_model_of_the_list_may_be_named(modelled: Service, pool: Pool, model: str) -> None:
    base = await modelled.upload("11-glossary.html")
    refused = await ask(modelled, base, model=model)
    assert refused.status_code == 422
    assert "may not be asked for here" in refused.json()["error"]
    assert refused.json()["hint"] == f"Models that may: {MODEL}, compatible:other."
    assert await scalar(pool, "select count(*) from course_generation_jobs") == 0
    told = (await ask(modelled, base, model="compatible:other")).json()
    assert (told["author"], told["model"]) == ("llm", "compatible:other")
    await modelled.program.finish(UUID(told["jobId"]))
    assert await scalar(pool, "select array_agg(distinct model) from coursewright.calls") == ["compatible:other"]


async def test_what_the_program_keeps_with_a_job_comes_from_no_request(modelled: Service, pool: Pool) -> None:
    """Else a request could name any model, raise its cap, or have files written where it likes."""
    base = await modelled.upload("11-glossary.html")
    evil = {
        "request": {"author": "llm", "model": "openai:o1-pro"},
        "terms": {"budget": 1000, "fallbacks": ["openai:o1-pro"]},
        "out": "/etc/cron.d",
        "leftOut": [{"document": "x", "reason": "y"}],
        "defaultAuthor": "extractive",
    }
    told = (await ask(modelled, base, **evil)).json()
    assert told["author"] == "llm"
    assert "ignored: defaultAuthor, leftOut, out, request, terms" in told["message"]
    data = await scalar(pool, "select job_data from course_generation_jobs")
    assert data == {"baseClassId": str(base), "urgency": "immediate", "defaultAuthor": "llm"}


@pytest.mark.parametrize("where", ["job", "month", "organisation"])
async def test_beyond_the_budget_the_built_in_author_writes_unless_the_model_was_named(
    pool: Pool, database_url: str, port: int, where: str
) -> None:
    sections = with_model(port, **({"job_budget": 0.0001} if where == "job" else {}))
    if where == "month":
        sections["gateway"] |= {"month_budget": 0}
    async with served(pool, database_url, **sections) as service:
        if where == "organisation":
            await service.program.ledger.limit_organisation(OURS, total=Decimal("0.0001"))
        base = await service.upload("11-glossary.html")
        told = (await ask(service, base, academicLevel="college")).json()
        assert told["author"] == "extractive"
        assert "A model would cost about" in told["message"]
        assert (
            "The built-in author writes instead. Left out, because it takes a model: a reading level."
            in told["message"]
        )
        assert (await service.program.finish(UUID(told["jobId"]))).status == "completed"
        assert await scalar(pool, "select count(*) from coursewright.calls") == 0
        refused = await ask(service, base, author="llm")
        assert (refused.status_code, refused.json()["code"]) == (402, "budget_reached")
        assert "A model would cost about" in refused.json()["error"]


async def test_a_batch_that_cannot_be_is_told(modelled: Service, service: Service, pool: Pool) -> None:
    base = await modelled.upload("11-glossary.html")
    told = (await ask(modelled, base, urgency="batch")).json()
    assert told["author"] == "llm"
    assert f"Not done as a batch: {MODEL} has no cheaper mode." in told["message"]
    assert "terms" not in await scalar(pool, "select job_data from course_generation_jobs")
    told = (await ask(service, base, urgency="batch")).json()
    assert "Not done as a batch: no model is asked." in told["message"]


async def test_a_batch_is_made_where_it_is_allowed(pool: Pool, database_url: str) -> None:
    vendor = {"openai_key": "sk-none", "storage": True, "job_budget": 5}
    async with served(pool, database_url, limits={"enabled": False}, providers=vendor) as service:
        base = await service.upload("11-glossary.html")
        told = (await ask(service, base, urgency="batch")).json()
        assert (told["author"], told["message"]) == ("llm", "The course is queued.")
        data = await scalar(pool, "select job_data from course_generation_jobs")
        assert data["terms"] == {"urgency": "batch"}


async def test_a_repeated_request_is_the_same_although_another_author_would_be_chosen_now(
    pool: Pool, database_url: str, port: int
) -> None:
    key = {"Idempotency-Key": "k"}
    async with served(pool, database_url, **with_model(port)) as service:
        base = await service.upload("11-glossary.html")
        first = await service.ours.http.post(ROUTE, json={"baseClassId": str(base)}, headers=key)
    async with served(pool, database_url, limits={"enabled": False}) as service:
        again = await service.ours.http.post(ROUTE, json={"baseClassId": str(base)}, headers=key)
    assert again.status_code == 202, again.text
    assert again.json()["jobId"] == first.json()["jobId"]


async def test_rows_of_other_programs_get_the_same_author_and_keep_it(pool: Pool, database_url: str, port: int) -> None:
    async with served(pool, database_url, limits={"enabled": False}) as service:
        base = await service.upload("11-glossary.html")
        before = await service.program.jobs.enqueue("generate_course_v2", {}, organisation_id=OURS, base_class_id=base)
        assert await service.program.worker().cycle()
        while (await service.program.tick(30, ring=False)).completed_tasks == 0:
            pass
    async with served(pool, database_url, **with_model(port)) as service:
        assert (await service.program.finish(before)).status == "completed"
        assert (await service.program.course(before))[0].provenance.author == "extractive"
        after = await service.program.jobs.enqueue("generate_course_v2", {}, organisation_id=OURS, base_class_id=base)
        assert (await service.program.finish(after)).status == "completed"
        assert (await service.program.course(after))[0].provenance.author == "llm"


@pytest.mark.parametrize(
    "data", [{"author": "llm", "model": "compatible:dear"}, {"terms": {"fallbacks": ["compatible:dear"]}},
             {"request": {"author": "llm", "model": "compatible:dear"}}],
)  # fmt: skip
async def test_rows_of_other_programs_name_no_other_model_either(
    modelled: Service, pool: Pool, data: dict[str, Any]
) -> None:
    base = await modelled.upload("11-glossary.html")
    job = await modelled.program.jobs.enqueue("generate_course_v2", data, organisation_id=OURS, base_class_id=base)
    while (await modelled.program.tick(30, ring=False)).remaining:
        pass
    state = await modelled.program.jobs.get(job)
    assert state.status == "failed"
    assert state.error_message is not None
    assert "'compatible:dear' may not be asked for here" in state.error_message
    assert await scalar(pool, "select count(*) from coursewright.calls") == 0
