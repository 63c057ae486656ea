"""Once for each key, never above a limit, however many ask at the same time."""

import asyncio
import random
from collections import Counter
from uuid import UUID, uuid4

import pytest
from psycopg.rows import scalar_row

from coursewright.db.pool import Pool
from coursewright.errors import LimitReached
from coursewright.queue.submission import Submissions, windows
from coursewright.settings import LimitSettings, RoleLimits, Windows
from tests.integration.api.conftest import OURS, Service, served


async def _scalar(pool: Pool, query: str) -> object:
    async with pool.connection() as connection, connection.cursor(row_factory=scalar_row) as cursor:
        await cursor.execute(query.encode())
        return await cursor.fetchone() if cursor.description else None


@pytest.fixture
async def base(service: Service) -> UUID:
    return await service.upload("11-glossary.html")


async def test_a_job_and_its_entry_come_together(service: Service, base: UUID, pool: Pool) -> None:
    answer = await service.ours.http.post(
        "/api/course-generation/v2",
        json={"baseClassId": str(base), "priority": 7, "scheduledFor": "2099-01-01T00:00:00+01:00", "urgency": "batch"},
    )
    assert answer.status_code == 202
    told = answer.json()
    assert told["success"] is True
    assert told["version"] == "v2"
    assert told["status"] == "queued"
    assert answer.headers["location"].endswith(told["jobId"])
    assert await _scalar(pool, "select count(*) from course_generation_queue where priority = 7 and scheduled") == 1
    data = await _scalar(pool, "select job_data from course_generation_jobs")
    assert isinstance(data, dict)
    assert data["urgency"] == "batch"


async def test_one_key_makes_one_job_also_when_concurrent(service: Service, base: UUID, pool: Pool) -> None:
    async def ask() -> str:
        answer = await service.ours.http.post(
            "/api/course-generation/v2", json={"baseClassId": str(base)}, headers={"Idempotency-Key": "k"}
        )
        assert answer.status_code == 202, answer.text
        return str(answer.json()["jobId"])

    assert len(set(await asyncio.gather(*(ask() for _ in range(30))))) == 1
    assert await _scalar(pool, "select count(*) from course_generation_jobs") == 1
    assert await _scalar(pool, "select count(*) from course_generation_queue") == 1


async def test_another_body_under_the_key_is_refused(service: Service, base: UUID) -> None:
    route, key = "/api/course-generation/v2", {"Idempotency-Key": "k"}
    first = await service.ours.http.post(route, json={"baseClassId": str(base)}, headers=key)
    other = await service.ours.http.post(route, json={"baseClassId": str(base), "title": "Other"}, headers=key)
    assert (first.status_code, other.status_code) == (202, 422)
    assert "Idempotency-Key" in other.json()["error"]
    again = await service.ours.http.post(route, json={"baseClassId": str(base)}, headers=key)
    assert again.json()["jobId"] == first.json()["jobId"]


async def test_keys_of_organisations_do_not_meet(service: Service, base: UUID) -> None:
    their_base = await service.upload("11-glossary.html", by=service.theirs)
    key = {"Idempotency-Key": "k"}
    route = "/api/course-generation/v2"
    ours = await service.ours.http.post(route, json={"baseClassId": str(base)}, headers=key)
    theirs = await service.theirs.http.post(route, json={"baseClassId": str(their_base)}, headers=key)
    assert (ours.status_code, theirs.status_code) == (202, 202)
    assert ours.json()["jobId"] != theirs.json()["jobId"]


async def test_a_key_is_free_again_after_a_day(service: Service, base: UUID, pool: Pool) -> None:
    route, key = "/api/course-generation/v2", {"Idempotency-Key": "k"}
    first = await service.ours.http.post(route, json={"baseClassId": str(base)}, headers=key)
    await _scalar(pool, "update coursewright.idempotency_keys set created_at = created_at - interval '24 hours 1 s'")
    second = await service.ours.http.post(route, json={"baseClassId": str(base), "title": "New"}, headers=key)
    assert second.status_code == 202
    assert second.json()["jobId"] != first.json()["jobId"]


async def test_what_is_unknown_is_told_and_kept(service: Service, base: UUID, pool: Pool) -> None:
    answer = await service.ours.http.post(
        "/api/course-generation/v2", json={"baseClassId": str(base), "lessonPerWeek": 3}
    )
    assert "lessonPerWeek" in answer.json()["message"]
    data = await _scalar(pool, "select job_data from course_generation_jobs")
    assert isinstance(data, dict)
    assert data["lessonPerWeek"] == 3


@pytest.mark.parametrize(
    ("sent", "says"),
    [
        ('"x": ' + "[" * 300 + "]" * 300, "levels deep"),
        ('"assessmentSettings": ' + '{"a": ' * 300 + "1" + "}" * 300, "levels deep"),
        (r'"x": "\ud800"', "cannot be stored"),
        (r'"x": {"a\u0000": 1}', "cannot be stored"),
        ('"scheduledFor": "2099-01-01T00:00:00"', "timezone"),
    ],
    ids=["lists", "objects", "half a pair", "nul in a name", "time without offset"],
)
async def test_what_cannot_be_kept_makes_no_job(service: Service, base: UUID, pool: Pool, sent: str, says: str) -> None:
    answer = await service.ours.http.post(
        "/api/course-generation/v2",
        content=f'{{"baseClassId": "{base}", {sent}}}',
        headers={"Content-Type": "application/json"},
    )
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
    assert says in answer.json()["error"]
    assert await _scalar(pool, "select count(*) from course_generation_jobs") == 0


async def test_the_answer_names_some_unknown_fields_and_counts_the_rest(service: Service, base: UUID) -> None:
    body = {"baseClassId": str(base), "scheduledFor": "2001-01-01T00:00:00Z"} | {f"k{n}": n for n in range(3000)}
    answer = await service.ours.http.post("/api/course-generation/v2", json=body)
    assert answer.json()["message"].startswith("The course is queued. Not known here, and ignored: k0, ")
    assert answer.json()["message"].endswith(" and 2980 more.")


async def test_an_action_whose_context_cannot_be_kept_is_not_done(service: Service, base: UUID) -> None:
    job = (await service.ours.http.post("/api/course-generation/v2", json={"baseClassId": str(base)})).json()["jobId"]
    for context in ('{"a": "\\u0000"}', '{"a": ' + "[" * 300 + "]" * 300 + "}"):
        answer = await service.ours.http.post(
            "/api/course-generation/v2/user-action",
            content=f'{{"jobId": "{job}", "actionType": "pause_job", "actionContext": {context}}}',
            headers={"Content-Type": "application/json"},
        )
        assert answer.status_code == 422
    page = await service.ours.http.get(f"/api/course-generation/v2/job/{job}")
    assert page.json()["job"]["status"] == "queued"


async def test_what_the_author_cannot_do_is_refused_at_once(service: Service, base: UUID, pool: Pool) -> None:
    answer = await service.ours.http.post(
        "/api/course-generation/v2", json={"baseClassId": str(base), "academicLevel": "college", "author": "extractive"}
    )
    assert answer.status_code == 422
    assert "reading level" in answer.json()["error"]
    assert await _scalar(pool, "select count(*) from course_generation_jobs") == 0


async def test_a_form_that_names_no_author_is_told_what_is_left_out(service: Service, base: UUID) -> None:
    answer = await service.ours.http.post(
        "/api/course-generation/v2", json={"baseClassId": str(base), "academicLevel": "college", "userGuidance": ""}
    )
    assert answer.status_code == 202
    assert "a reading level" in answer.json()["message"]
    job = await service.program.finish(UUID(answer.json()["jobId"]))
    assert job.status == "completed"


async def test_a_knowledge_base_that_nobody_can_read_makes_no_job(service: Service) -> None:
    base = await service.upload("11-glossary.html")
    listed = (await service.ours.http.get("/api/knowledge-base/documents", params={"base_class_id": str(base)})).json()
    await service.ours.http.delete(f"/api/knowledge-base/documents/{listed['documents'][0]['id']}")
    answer = await service.ours.http.post("/api/course-generation/v2", json={"baseClassId": str(base)})
    assert answer.status_code == 422
    assert answer.json()["code"] == "nothing_to_read"


async def test_a_full_window_answers_429_and_tells_when(pool: Pool, database_url: str) -> None:
    limits = {"super_admin": {"minute": 2, "hour": 3, "day": None}}
    async with served(pool, database_url, limits=limits) as service:
        base = await service.upload("11-glossary.html")
        route, body = "/api/course-generation/v2", {"baseClassId": str(base)}
        for _ in range(2):
            assert (await service.ours.http.post(route, json=body)).status_code == 202
        full = await service.ours.http.post(route, json=body, headers={"Idempotency-Key": "k"})
        assert full.status_code == 429
        assert full.json()["code"] == "limit_reached"
        assert 55 <= int(full.headers["retry-after"]) <= 60
        await _scalar(pool, "update coursewright.submissions set created_at = created_at - interval '61 s'")
        # The refused request left its key free; one more fits into the hour, then that is full.
        assert (await service.ours.http.post(route, json=body, headers={"Idempotency-Key": "k"})).status_code == 202
        full = await service.ours.http.post(route, json=body)
        assert full.status_code == 429
        assert 3500 < int(full.headers["retry-after"]) <= 3600
        metrics = service.app.state.metrics.text([], []).decode()
        assert "coursewright_limits_reached_total 2.0" in metrics


async def test_limits_hold_under_concurrency(pool: Pool) -> None:
    """Users of two organisations ask in bursts: each user, each organisation and all together stay inside."""
    limits = LimitSettings(student=RoleLimits(minute=4), organisation=Windows(minute=7), everyone=Windows(minute=12))
    submissions = Submissions(pool, limits, max_rescues=5)
    users = {uuid4(): organisation for organisation in (OURS, UUID(int=0xB)) for _ in range(3)}
    accepted: list[UUID] = []
    refused = 0

    async def ask(user: UUID) -> None:
        nonlocal refused
        try:
            await submissions.submit(
                "generate_course_v2",
                {},
                {},
                organisation_id=users[user],
                user_id=user,
                base_class_id=uuid4(),
                role="student",
            )
            accepted.append(user)
        except LimitReached:
            refused += 1

    asking = [user for user in users for _ in range(20)]
    random.Random(7).shuffle(asking)
    await asyncio.gather(*(ask(user) for user in asking))
    assert len(accepted) + refused == len(asking)
    assert max(Counter(accepted).values()) <= 4
    assert max(Counter(users[user] for user in accepted).values()) <= 7
    assert len(accepted) == 12  # and not fewer: nobody is refused while there is room


def test_a_role_that_is_not_listed_has_the_limits_of_students() -> None:
    limits = LimitSettings()
    assert windows(limits, "visitor") == windows(limits, "student")
    assert windows(limits, None) == []
    assert [each["most"] for each in windows(limits, "teacher")] == [5, 30, 200]
