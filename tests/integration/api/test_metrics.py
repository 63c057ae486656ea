"""What Prometheus reads: all processes' work from the database, and that every measure anybody asks for exists."""

import json
import re
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families
from psycopg.rows import dict_row

import coursewright.operations
from coursewright.db.pool import Pool
from coursewright.db.queries import sql
from coursewright.queue import Done, Fail, JobQueue, Snooze, TaskSpec
from coursewright.queue.leases import Leases
from tests.integration.api.conftest import Service, served

DEPLOY = Path(__file__).parents[3] / "deploy" / "observe"
DOCS = Path(__file__).parents[3] / "docs"
FIRST = {"generate_course_v2": (TaskSpec("plan", "outline_generation", decisive=True),)}
NAME = re.compile(r"\b(?:coursewright|process)_[a-z_]+\b")


class Scraped:
    """What a scrape told: call it with a measure's name and labels."""

    def __init__(self, exposition: str) -> None:
        self._samples = {
            (sample.name, frozenset(sample.labels.items())): sample.value
            for family in text_string_to_metric_families(exposition)
            for sample in family.samples
        }

    def __call__(self, name: str, **labels: str) -> float:
        return self._samples[f"coursewright_{name}", frozenset(labels.items())]


async def scrape(service: Service) -> Scraped:
    return Scraped(await text(service))


async def text(service: Service) -> str:
    answer = await service.anonymous.get("/metrics", headers={"Authorization": "Bearer scraper"})
    assert answer.status_code == 200
    return answer.text


@pytest.fixture
async def watched(pool: Pool, database_url: str) -> Any:
    async with served(pool, database_url, api={"metrics_token": "scraper"}, limits={"enabled": False}) as service:
        yield service


async def test_work_of_other_processes_is_told(watched: Service, pool: Pool) -> None:
    jobs, leases = JobQueue(pool), Leases(pool, FIRST)
    job_id = await jobs.enqueue("generate_course_v2", {}, organisation_id=UUID(int=1))
    before = await scrape(watched)
    assert before("jobs", status="queued") == 1
    assert before("jobs", status="processing") == 0
    assert before("queue_age_seconds") > 0

    await leases.present("elsewhere", 4, 60)
    await leases.admit("elsewhere")
    (plan,) = await leases.claim("elsewhere", 5, 15)
    sections = tuple(TaskSpec(name, "lesson_section", max_retries=0) for name in ("a", "b", "c"))
    await leases.complete(plan, Done({}, tasks=sections))
    a, b, _ = await leases.claim("elsewhere", 5, 15)
    await leases.fail(a, Fail("no"), 0)
    await leases.release(b, Snooze(60))
    async with pool.connection() as connection:
        await connection.execute("update coursewright.leases set expires_at = clock_timestamp() - interval '1 s'")
    await leases.rescue(5)

    told = await scrape(watched)
    assert told("jobs", status="processing") == 1
    assert told("workers") == 1
    assert told("queue_age_seconds") == 0
    assert told("tasks", kind="lesson_section", status="queued") == 2
    assert told("task_attempt_seconds_count", kind="outline_generation", outcome="completed") == 1
    for outcome in ("failed", "given_back", "rescued"):
        assert told("task_attempt_seconds_count", kind="lesson_section", outcome=outcome) == 1
    for bound in ("600.0", "+Inf"):
        assert told("task_attempt_seconds_bucket", kind="outline_generation", outcome="completed", le=bound) == 1

    await jobs.cancel(job_id)
    await leases.leave("elsewhere")
    told = await scrape(watched)
    assert told("jobs_ended_total", status="cancelled") == 1
    assert told("workers") == 0


async def test_adding_up_loses_and_doubles_nothing(watched: Service, pool: Pool) -> None:
    async with pool.connection() as connection:
        for seconds in (0.01, 0.3, 0.3, 7, 1000):
            await connection.execute(
                "insert into coursewright.tallies values ('task_attempt_seconds', '{class_exam,completed}', %s)",
                [seconds],
            )
    told = [await scrape(watched) for _ in range(3)]
    for each in told:
        about = {"kind": "class_exam", "outcome": "completed"}
        bounds = ("0.05", "0.25", "0.5", "10.0", "600.0", "+Inf")
        at = {bound: each("task_attempt_seconds_bucket", **about, le=bound) for bound in bounds}
        assert at == {"0.05": 1, "0.25": 1, "0.5": 3, "10.0": 4, "600.0": 4, "+Inf": 5}
        assert each("task_attempt_seconds_sum", **about) == pytest.approx(1007.61)
    assert [each("scrapes_total") for each in told] == [1, 2, 3]
    async with pool.connection() as connection:
        left = await (await connection.execute("select count(*) from coursewright.tallies")).fetchone()
    assert left == (0,)


async def test_calls_money_breakers_and_budgets_are_told(watched: Service, pool: Pool) -> None:
    async with pool.connection() as connection:
        await connection.execute(
            """
            with call as (
                insert into coursewright.calls (key, organisation_id, kind, task_key, generation, turn, model, endpoint,
                                                fingerprint)
                values ('k', %(organisation)s, 'lesson_section', 't', 0, 0, 'openai:x', 'e', 'f') returning id),
            breaker as (
                insert into coursewright.breakers (endpoint, model, fingerprint, state, reopen_at)
                values ('e', 'openai:x', 'f', 'open', now() + interval '1 h')),
            month as (select date_trunc('month', now() at time zone 'utc')::date as day),
            budget as (
                insert into coursewright.budgets (scope, owner, period, organisation_id, cap, settled)
                select 'month', %(organisation)s, day, %(organisation)s, 10, 9.5 from month)
            insert into coursewright.sends (call_id, number, organisation_id, month, endpoint, fingerprint, model, kind,
                                            mode, owner, state, deadline_at, limit_tokens)
            select call.id, n, %(organisation)s, day, 'e', 'f', 'openai:x', 'lesson_section', 'sync', 'w',
                   'submitting', now() + interval '1 h', 0 from call, month, generate_series(1, 3) n
            """,
            {"organisation": uuid4()},
        )
    told = await scrape(watched)
    assert told("model_calls_in_flight", model="openai:x") == 3
    async with pool.connection() as connection:
        await connection.execute(
            "update coursewright.sends set state = 'settled', ended_at = started_at + interval '2 s', "
            "input_tokens = 100, output_tokens = 20, cost = 0.5 where number = 1"
        )
        await connection.execute(
            "update coursewright.sends set state = 'released', error = 'overloaded' where number = 2"
        )
        await connection.execute("update coursewright.calls set hits = hits + 1")
    told = await scrape(watched)
    assert told("model_calls_in_flight", model="openai:x") == 1
    assert told("model_call_seconds_count", model="openai:x", outcome="answered") == 1
    assert told("model_call_seconds_sum", model="openai:x", outcome="answered") == 2
    assert told("model_call_seconds_count", model="openai:x", outcome="overloaded") == 1
    assert told("model_tokens_total", model="openai:x", kind="input") == 100
    assert told("model_tokens_total", model="openai:x", kind="output") == 20
    assert told("model_cost_dollars_total", model="openai:x") == 0.5
    assert told("stored_answers_total", model="openai:x") == 1
    states = {
        state: told("model_breaker_state", model="openai:x", state=state) for state in ("closed", "half_open", "open")
    }
    assert states == {"closed": 0, "half_open": 0, "open": 1}
    assert told("budget_use_ratio", scope="month") == 0.95


async def test_a_database_that_takes_no_writes_is_told_and_nothing_is_lost(watched: Service, pool: Pool) -> None:
    async with pool.connection() as connection:
        await connection.execute("alter table coursewright.tallies add constraint full_disk check (false) not valid")
    assert (await scrape(watched))("database_writable") == 0
    async with pool.connection() as connection:
        await connection.execute("alter table coursewright.tallies drop constraint full_disk")
    told = await scrape(watched)
    assert told("database_writable") == 1
    assert told("scrapes_total") == 2


async def test_every_measure_of_dashboard_alerts_and_documentation_exists(watched: Service) -> None:
    told = await text(watched)
    families = {family.name: family for family in text_string_to_metric_families(told)}
    names = {name for family in families.values() for name in _series(family.name, family.type)}
    assert not re.search(r"(?<!_seconds)_(?:minutes|ms|milliseconds|mb|kb)\b", told), "units are seconds and bytes"
    dashboard = json.loads((DEPLOY / "dashboard.json").read_text())
    asked = {
        "dashboard": " ".join(target["expr"] for panel in dashboard["panels"] for target in panel.get("targets", ())),
        "alerts": " ".join(rule["expr"] for rule in rules()),
    }
    for where, expressions in asked.items():
        used = set(NAME.findall(expressions))
        assert len(used) > 10, where
        assert used - names == set(), where
    page = (DOCS / "observing.md").read_text()
    documented = set(re.findall(r"^\| (`.*?`) \|", page, re.MULTILINE))
    documented = {name for cell in documented for name in NAME.findall(cell)}
    own = {f"{family.name}_total" if family.type == "counter" else family.name for family in families.values()}
    assert documented == {name for name in own if name.startswith("coursewright_")}


def rules() -> list[dict[str, Any]]:
    groups = yaml.safe_load((DEPLOY / "alerts.yaml").read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


def _series(name: str, kind: str) -> set[str]:
    if kind == "histogram":
        return {f"{name}_bucket", f"{name}_count", f"{name}_sum"}
    return {f"{name}_total"} if kind == "counter" else {name}


def test_every_alert_leads_to_a_section_of_the_runbook() -> None:
    for rule in rules():
        page, _, anchor = rule["annotations"]["runbook"].partition("#")
        headings = re.findall(r"^## (.+)$", (DOCS.parent / page).read_text(), re.MULTILINE)
        assert anchor in {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}, rule[
            "alert"
        ]
        assert set(rule["annotations"]) == {"summary", "description", "runbook"}


@pytest.mark.slow
def test_a_scrape_of_a_million_tasks_scans_no_large_table(database_url: str) -> None:
    with psycopg.connect(database_url, autocommit=True, row_factory=dict_row) as connection:
        connection.execute("set session_replication_role = replica")  # no triggers: this is history
        connection.execute(
            "insert into public.course_generation_jobs (id, organisation_id, status) select gen_random_uuid(), "
            "('00000000-0000-4000-8000-' || lpad((n % 500)::text, 12, '0'))::uuid, "
            "case when n <= 50 then 'processing' when n <= 60 then 'paused' when n <= 2000 then 'queued' "
            "else 'completed' end from generate_series(1, 22222) n"
        )
        connection.execute(
            "insert into public.course_generation_queue (job_id, organisation_id, status, ready) "
            "select id, organisation_id, case status when 'queued' then 'pending' else 'completed' end, "
            "status = 'queued' from public.course_generation_jobs"
        )
        connection.execute(
            "insert into public.course_generation_tasks (job_id, task_identifier, task_type, status, output_data) "
            "select j.id, 't' || n, 'lesson_section', case when j.status = 'processing' and n > 20 then 'queued' "
            "else 'completed' end, jsonb_build_object('text', repeat('x', 200)) "
            "from public.course_generation_jobs j cross join generate_series(1, 45) n"
        )
        connection.execute(
            "insert into coursewright.budgets (scope, owner, period, organisation_id, cap, settled) "
            "select 'job', j.id, '-infinity', j.organisation_id, 1, 0.5 from public.course_generation_jobs j"
        )
        connection.execute(
            "insert into coursewright.calls (key, organisation_id, kind, task_key, generation, turn, model, state, "
            "endpoint, fingerprint) select n::text, gen_random_uuid(), 'lesson_section', 't', 0, 0, 'm', 'accepted', "
            "'e', 'f' from generate_series(1, 100000) n"
        )
        connection.execute(
            "insert into coursewright.sends (call_id, number, organisation_id, month, endpoint, fingerprint, model, "
            "kind, mode, owner, state, deadline_at, limit_tokens) select id, 1, organisation_id, '2026-01-01', 'e', "
            "'f', 'm', 'lesson_section', 'sync', 'w', 'settled', now(), 0 from coursewright.calls"
        )
        connection.execute("vacuum analyze")
        for name in ("measures", "counts"):
            query = sql(coursewright.operations.__package__, name)
            plan = connection.execute(
                b"explain (analyze, format json) " + query.encode(), {"month_cap": None}
            ).fetchone()
            assert plan is not None
            scans = _scans(plan["QUERY PLAN"][0]["Plan"])
            large = {"course_generation_tasks", "course_generation_jobs", "course_generation_queue", "budgets", "sends",
                     "calls"}  # fmt: skip
            assert {relation for kind, relation in scans if kind == "Seq Scan"} & large == set()
            print(f"{name}: {plan['QUERY PLAN'][0]['Execution Time']:.1f} ms")  # noqa: T201


def _scans(plan: dict[str, Any]) -> list[tuple[str, str]]:
    own = [(plan["Node Type"], plan["Relation Name"])] if "Relation Name" in plan else []
    return own + [scan for each in plan.get("Plans", ()) for scan in _scans(each)]
