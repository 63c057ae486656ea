"""Ticks over HTTP: the timer's secret, the webhook's signature, what a webhook mends, the next ring."""

import json
import time
from collections.abc import AsyncIterator, Callable, Iterator
from functools import partial
from typing import Any
from uuid import UUID, uuid4

import pytest

from coursewright.db.pool import Pool
from coursewright.generation.graph import first_tasks
from coursewright.queue import Snooze
from coursewright.queue.leases import Leases
from tests.integration.api.conftest import HANDBOOK, OURS, Service, served
from tests.loopback import listener
from tests.qstash import CURRENT, NEXT
from tests.qstash import signature as signed_for

CRON = "/api/cron/process-courses"
WEBHOOK = "/process-course"
PUBLIC = "https://courses.example"
TIMER = {"Authorization": "Bearer timer"}


signature = partial(signed_for, url=PUBLIC + WEBHOOK)


@pytest.fixture
async def host(pool: Pool, database_url: str) -> AsyncIterator[Service]:
    """A service whose ticks have 20 seconds."""
    settings: dict[str, Any] = {
        "CRON_SECRET": "timer",
        "WORKER_URL": PUBLIC + "/",
        "QSTASH_CURRENT_SIGNING_KEY": CURRENT,
        "QSTASH_NEXT_SIGNING_KEY": NEXT,
        "ticks": {"budget": 20, "chains": 0},
        "limits": {"enabled": False},
    }
    async with served(pool, database_url, **settings) as started:
        yield started


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer wrong"}, {"Authorization": "timer"}])
async def test_a_tick_needs_the_secret(host: Service, headers: dict[str, str]) -> None:
    for method in ("GET", "POST"):
        answer = await host.anonymous.request(method, CRON, headers=headers)
        assert answer.status_code == 401
        assert answer.json()["success"] is False


async def test_without_a_secret_nobody_ticks(service: Service) -> None:
    answer = await service.anonymous.post(CRON, headers={"Authorization": "Bearer "})
    assert answer.status_code == 401
    assert "CRON_SECRET" in answer.json()["hint"]
    answer = await service.anonymous.post(WEBHOOK, json={"jobId": str(uuid4())})
    assert answer.status_code == 401
    assert "WORKER_URL" in answer.json()["hint"]


async def test_ticks_read_documents_and_make_the_course(host: Service) -> None:
    base = uuid4()
    for name in ("01-the-colony.md", "05-inspections.md", "11-glossary.html"):
        sent = await host.ours.http.post(
            "/api/knowledge-base/upload",
            files={"file": (name, (HANDBOOK / name).read_bytes())},
            data={"base_class_id": str(base)},
        )
        assert sent.status_code == 202
    job_id = await host.ask(base)
    answers = []
    while not (await host.program.jobs.get(job_id)).status.is_final:
        answers.append((await host.anonymous.get(CRON, headers=TIMER)).json())
        assert len(answers) < 10, answers
    assert set(answers[-1]) == {"success", "processed", "completed_tasks", "remaining"}
    assert answers[-1]["remaining"] == 0
    job = await host.program.jobs.get(job_id)
    assert job.status == "completed"
    assert sum(each["completed_tasks"] for each in answers) == job.completed_tasks > 10
    nothing = (await host.anonymous.post(CRON, headers=TIMER)).json()
    assert nothing == {"success": True, "processed": 0, "completed_tasks": 0, "remaining": 0}


async def test_a_webhook_makes_the_course_of_a_job_without_entry_and_request(host: Service, pool: Pool) -> None:
    base = await host.upload()
    async with pool.connection() as connection:
        inserted = await connection.execute(
            "insert into course_generation_jobs (organisation_id, base_class_id) values (%s, %s) returning id",
            [OURS, base],
        )
        row = await inserted.fetchone()
    assert row is not None
    job_id: UUID = row[0]
    body = json.dumps({"jobId": str(job_id), "request": {"baseClassId": str(base), "title": "By webhook"}}).encode()
    while not (await host.program.jobs.get(job_id)).status.is_final:
        answer = await host.anonymous.post(WEBHOOK, content=body, headers=signature(body))
        assert answer.status_code == 200, answer.text
    assert answer.json()["status"] == "completed"
    course, _ = await host.program.course(job_id)
    assert course.title == "By webhook"
    # A message may come twice, and late.
    again = await host.anonymous.post(WEBHOOK, content=body, headers=signature(body, key=NEXT))
    assert (again.status_code, again.json()["processed"]) == (200, 0)


BODY = b'{"jobId": "00000000-0000-4000-8000-000000000000"}'


@pytest.mark.parametrize(
    "signed, why",
    [
        (dict, "not signed"),
        (lambda: {"Upstash-Signature": "x.y.z"}, "refused"),
        (partial(signature, BODY, key="sig_another_0123456789abcdefghij"), "another key"),
        (partial(signature, BODY, sub="https://courses.example/elsewhere"), "another address"),
        (partial(signature, BODY + b" "), "body"),
        (partial(signature, BODY, seconds=-1000), "expired"),
        (partial(signature, BODY, seconds=1000), "not yet valid"),
        (partial(signature, BODY, iss="Somebody"), "issuer"),
    ],
)
async def test_a_webhook_that_is_not_qstashs_is_refused(
    host: Service, signed: Callable[[], dict[str, str]], why: str
) -> None:
    answer = await host.anonymous.post(WEBHOOK, content=BODY, headers=signed())
    assert answer.status_code == 401
    assert why.lower() in answer.json()["detail"].lower()


async def test_a_webhook_for_no_job_is_told_so(host: Service) -> None:
    answer = await host.anonymous.post(WEBHOOK, content=BODY, headers=signature(BODY))
    assert answer.status_code == 404
    nonsense = b'{"jobId": 7}'
    assert (await host.anonymous.post(WEBHOOK, content=nonsense, headers=signature(nonsense))).status_code == 422


@pytest.fixture
def elsewhere() -> Iterator[tuple[str, list[Any]]]:
    with listener() as listening:
        yield listening


async def test_a_tick_rings_for_the_next_one_while_work_remains(
    pool: Pool, database_url: str, elsewhere: tuple[str, list[Any]]
) -> None:
    address, heard = elsewhere
    settings: dict[str, Any] = {"CRON_SECRET": "timer", "WORKER_URL": address, "limits": {"enabled": False}}
    async with served(pool, database_url, **settings, ticks={"budget": 1.5}) as host:
        await host.ask(await host.upload())
        heard.clear()  # that rang too
        await _nothing_may_begin(pool)
        answer = (await host.anonymous.get(CRON, headers=TIMER)).json()
        assert answer["remaining"] == 1
        ((path, headers, _),) = heard
        assert (path, headers["authorization"]) == (CRON, "Bearer timer")


async def test_asking_for_a_course_begins_a_tick(
    pool: Pool, database_url: str, elsewhere: tuple[str, list[Any]]
) -> None:
    """Where no worker runs and no QStash calls, nobody should have to wait for the timer's next minute."""
    address, heard = elsewhere
    settings: dict[str, Any] = {"CRON_SECRET": "timer", "WORKER_URL": address + "/", "limits": {"enabled": False}}
    async with served(pool, database_url, **settings) as host:
        base = await host.upload()
        await host.ask(base, scheduledFor="2099-01-01T00:00:00Z")  # that is the timer's
        assert heard == []
        await host.ask(base)
        ((path, headers, _),) = heard
        assert (path, headers["authorization"]) == (CRON, "Bearer timer")
    async with served(pool, database_url, **settings | {"WORKER_URL": "http://127.0.0.1:9"}) as host:
        assert await host.ask(base)  # nobody hears it: that costs time only


async def test_a_job_is_published_to_qstash_with_its_time(
    pool: Pool, database_url: str, elsewhere: tuple[str, list[Any]]
) -> None:
    address, heard = elsewhere
    settings: dict[str, Any] = {"QSTASH_TOKEN": "q", "QSTASH_URL": address, "WORKER_URL": PUBLIC}
    async with served(pool, database_url, **settings, limits={"enabled": False}) as host:
        base = await host.upload()
        now = await host.ask(base)
        later = await host.ask(base, scheduledFor="2099-01-01T00:00:00Z")
    (path, first, body), (_, second, _) = heard
    assert path == f"/v2/publish/{PUBLIC}{WEBHOOK}"
    assert json.loads(body) == {"jobId": str(now)}
    assert (first["authorization"], first["upstash-retries"]) == ("Bearer q", "3")
    assert "upstash-not-before" not in first
    assert second["upstash-not-before"] == "4070908801"
    assert later != now


async def test_qstash_may_be_away(pool: Pool, database_url: str) -> None:
    settings: dict[str, Any] = {"QSTASH_TOKEN": "q", "QSTASH_URL": "http://127.0.0.1:9", "WORKER_URL": PUBLIC}
    async with served(pool, database_url, **settings, limits={"enabled": False}) as host:
        assert await host.ask(await host.upload())


def _by_qstash(address: str) -> dict[str, Any]:
    keys = {"QSTASH_CURRENT_SIGNING_KEY": CURRENT, "QSTASH_TOKEN": "q", "QSTASH_URL": address, "WORKER_URL": PUBLIC}
    return keys | {"ticks": {"budget": 20}, "limits": {"enabled": False}}


@pytest.fixture
async def rung(
    pool: Pool, database_url: str, elsewhere: tuple[str, list[Any]]
) -> AsyncIterator[tuple[Service, list[Any], UUID]]:
    """A service that only QStash's messages wake, what it publishes, and a job that it has published."""
    address, heard = elsewhere
    async with served(pool, database_url, **_by_qstash(address)) as started:
        yield started, heard, await started.ask(await started.upload())


async def _nothing_may_begin(pool: Pool) -> None:
    """Have jobs wait for their turn for good: then a tick leaves them behind, however much time it has."""
    async with pool.connection() as connection:
        await connection.execute("update coursewright.rotation set max_running = 0")


async def test_qstash_alone_brings_a_course_to_its_end(pool: Pool, rung: tuple[Service, list[Any], UUID]) -> None:
    """No CRON_SECRET and no timer: each message that leaves work behind is followed by another one."""
    host, heard, job_id = rung
    await _nothing_may_begin(pool)
    answers = []
    while heard:
        path, headers, body = heard.pop(0)
        assert (path, headers["upstash-retries"]) == (f"/v2/publish/{PUBLIC}{WEBHOOK}", "3")
        assert "upstash-not-before" not in headers
        answers.append((await host.anonymous.post(WEBHOOK, content=body, headers=signature(body))).json())
        async with pool.connection() as connection:
            await connection.execute("update coursewright.rotation set max_running = 20")
    assert (await host.program.jobs.get(job_id)).status == "completed"
    assert len(answers) > 1
    assert (answers[0]["remaining"], answers[-1]["remaining"]) == (1, 0)


async def test_what_is_due_later_is_rung_for_at_its_time(pool: Pool, rung: tuple[Service, list[Any], UUID]) -> None:
    host, heard, job_id = rung
    _, _, body = heard.pop()
    leases = Leases(pool, first_tasks())
    await leases.admit("w")
    (lease,) = await leases.claim("w", 1, 15)
    await leases.release(lease, Snooze(900))
    before = int(time.time())
    answer = await host.anonymous.post(WEBHOOK, content=body, headers=signature(body))
    assert (answer.status_code, answer.json()["remaining"]) == (200, 2)
    ((_, headers, published),) = heard
    assert json.loads(published) == {"jobId": str(job_id)}
    assert before + 800 < int(headers["upstash-not-before"]) < before + 1000
    # What another worker has begun needs no message; nor does what has its own time, and was published with it.
    heard.clear()
    async with pool.connection() as connection:
        await connection.execute("update course_generation_tasks set run_at = now() where run_at is not null")
    assert await leases.claim("w", 1, 3600)
    await host.ask(await host.upload(), scheduledFor="2099-01-01T00:00:00Z")
    heard.clear()
    answer = await host.anonymous.post(WEBHOOK, content=body, headers=signature(body))
    assert (answer.json()["remaining"], heard) == (3, [])


@pytest.mark.parametrize("unheard", [{"QSTASH_URL": "http://127.0.0.1:9"}, {"QSTASH_TOKEN": ""}])
async def test_a_message_that_could_not_be_followed_by_another_is_delivered_again(
    pool: Pool, database_url: str, unheard: dict[str, str]
) -> None:
    settings = {name: value for name, value in (_by_qstash("") | unheard).items() if value != ""}
    async with served(pool, database_url, **settings) as host:
        job_id = await host.ask(await host.upload())
        await _nothing_may_begin(pool)
        body = json.dumps({"jobId": str(job_id)}).encode()
        answer = await host.anonymous.post(WEBHOOK, content=body, headers=signature(body))
        assert answer.status_code == 503
        assert "send this one again" in answer.json()["detail"]
        async with pool.connection() as connection:
            await connection.execute("update coursewright.rotation set max_running = 20")
        answer = await host.anonymous.post(WEBHOOK, content=body, headers=signature(body))
        assert (answer.status_code, answer.json()["status"]) == (200, "completed")
