"""The application is told of every end of a job: signed, at least once, under one id; no job waits for it."""

import asyncio
import base64
import json
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest
from psycopg.rows import dict_row
from pydantic import SecretStr
from standardwebhooks.webhooks import Webhook as Receiver
from standardwebhooks.webhooks import WebhookVerificationError

from coursewright.db.pool import Pool
from coursewright.delivery import Courier, configured_courier
from coursewright.delivery.webhook import Webhook
from coursewright.errors import ConfigurationError
from coursewright.settings import DeliverySettings
from tests.integration.delivery.conftest import Application

KEY, NEXT_KEY = (base64.b64encode(bytes([n]) * 32).decode() for n in (1, 2))
DUE = "update coursewright.deliveries set run_at = now() where state = 'waiting'"


def settings(url: str, **changes: Any) -> DeliverySettings:
    given = {"webhook_url": url, "webhook_secret": SecretStr(f"whsec_{KEY}"), "networks": ("127.0.0.0/8",)}
    return DeliverySettings.model_validate(given | changes)


def courier(pool: Pool, given: DeliverySettings) -> Courier:
    async def none(_: UUID) -> Any:
        raise AssertionError("no course is asked for")

    return configured_courier(pool, given, none, lambda _course, _lesson: "")


async def ended_job(pool: Pool, status: str = "completed", kind: str = "generate_course_v2") -> UUID:
    """Insert a job and end it, as other programs may too."""
    job = uuid4()
    async with pool.connection() as connection:
        await connection.execute(
            "insert into course_generation_jobs (id, job_type, organisation_id, job_data) values (%s, %s, %s, %s)",
            [job, kind, UUID(int=1), '{"title": "Bees"}'],
        )
        await connection.execute(
            "update course_generation_jobs set status = %s, error_message = %s where id = %s",
            [status, "No lesson could be written." if status == "failed" else None, job],
        )
    return job


async def rows(pool: Pool, query: str, *values: object) -> list[dict[str, Any]]:
    async with pool.connection() as connection, connection.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(query.encode(), values)
        return await cursor.fetchall() if cursor.description else []


async def webhooks(pool: Pool) -> list[dict[str, Any]]:
    return await rows(pool, "select * from coursewright.deliveries where way = 'webhook' order by created_at")


@pytest.mark.parametrize("status", ["completed", "failed"])
async def test_the_end_of_a_job_is_told_once_and_signed(pool: Pool, application: Application, status: str) -> None:
    job = await ended_job(pool, status)
    sending = courier(pool, settings(application.url))
    await sending.drain()
    await sending.drain()
    ((headers, body),) = application.received
    told = Receiver(f"whsec_{KEY}").verify(body, headers)
    assert told["type"] == f"job.{status}"
    assert datetime.fromisoformat(told["timestamp"]).tzinfo == UTC
    assert told["data"]["jobId"] == str(job)
    assert (told["data"]["status"], told["data"]["title"]) == (status, "Bees")
    assert (told["data"]["error"] is None) == (status == "completed")
    assert headers["content-type"] == "application/json"
    with pytest.raises(WebhookVerificationError):
        Receiver(f"whsec_{KEY}").verify(body.replace(b"Bees", b"Ants"), headers)
    (row,) = await webhooks(pool)
    assert (row["state"], row["attempts"]) == ("delivered", 1)


async def test_ends_that_are_none_and_jobs_of_others_are_not_told(pool: Pool, application: Application) -> None:
    await ended_job(pool, "cancelled")
    await ended_job(pool, "paused")
    await ended_job(pool, "completed", "translate_course")
    await courier(pool, settings(application.url)).drain()
    assert application.received == []


async def test_a_failure_is_tried_again_later_under_the_same_id(pool: Pool, application: Application) -> None:
    await ended_job(pool)
    application.answers = [(500, {}), (302, {"Location": "http://127.0.0.1:9/"}), (429, {"Retry-After": "4000"})]
    sending = courier(pool, settings(application.url))
    waits = []
    for _ in range(3):
        assert await sending.once() == 1
        assert await sending.once() == 0  # not at once
        (row,) = await rows(pool, "select extract(epoch from run_at - clock_timestamp())::float as wait, state"
                                  " from coursewright.deliveries where way = 'webhook'")  # fmt: skip
        assert row["state"] == "waiting"
        waits.append(row["wait"])
        await rows(pool, DUE)
    assert 3 < waits[0] < 7
    assert 230 < waits[1] < 370
    assert 3900 < waits[2] <= 4000  # as the application asks
    await sending.drain()
    assert len(application.received) == 4
    assert len({headers["webhook-id"] for headers, _ in application.received}) == 1
    assert len({body for _, body in application.received}) == 1
    (row,) = await webhooks(pool)
    assert (row["state"], row["last_error"]) == ("delivered", None)
    assert await rows(pool, "select * from course_generation_logs where source = 'delivery'") == []


@pytest.mark.parametrize("answers, tries", [([(500, {})] * 3, 3), ([(410, {})], 1)])
async def test_what_is_given_up_stands_in_the_jobs_story(
    pool: Pool, application: Application, answers: list[tuple[int, dict[str, str]]], tries: int
) -> None:
    job = await ended_job(pool)
    application.answers = list(answers)
    sending = courier(pool, settings(application.url, tries=3))
    for _ in range(4):
        await sending.drain()
        await rows(pool, DUE)
    assert len(application.received) == tries
    (row,) = await webhooks(pool)
    assert row["state"] == "dead"
    (line,) = await rows(pool, "select * from course_generation_logs where source = 'delivery'")
    assert (line["job_id"], line["level"]) == (job, "warning")
    assert f"it answered {answers[0][0]}. It was given up after {tries} tr" in line["message"]
    (state,) = await rows(pool, "select status from course_generation_jobs where id = %s", job)
    assert state["status"] == "completed"


async def test_who_dies_in_between_costs_a_repetition_under_the_same_id(pool: Pool, application: Application) -> None:
    await ended_job(pool)
    dying = courier(pool, settings(application.url))
    (claimed,) = await dying._claim()
    assert await dying._ways["webhook"](claimed) is None  # sent; and then nothing more of it is heard
    living = courier(pool, settings(application.url))
    await living.drain()
    assert len(application.received) == 1  # it may still be under way
    await rows(pool, DUE)
    await living.drain()
    first, second = application.received
    assert first[0]["webhook-id"] == second[0]["webhook-id"]
    await dying._settle(claimed, None)  # too late: the newer try has settled it
    (row,) = await webhooks(pool)
    assert (row["state"], row["attempts"]) == ("delivered", 2)


async def test_two_couriers_share_the_work(pool: Pool, application: Application) -> None:
    jobs = {str(await ended_job(pool)) for _ in range(30)}
    await asyncio.gather(*(courier(pool, settings(application.url)).drain() for _ in range(3)))
    told = [json.loads(body)["data"]["jobId"] for _, body in application.received]
    assert sorted(told) == sorted(jobs)


async def test_an_application_that_never_answers_is_not_waited_for(pool: Pool, application: Application) -> None:
    await ended_job(pool)
    application.silent = True
    await courier(pool, settings(application.url, webhook_seconds=0.2)).once()
    (row,) = await webhooks(pool)
    assert (row["state"], row["last_error"]) == ("waiting", "it did not answer within 0.2 seconds")


async def test_a_job_that_is_made_again_is_news_again(pool: Pool, application: Application) -> None:
    job = await ended_job(pool)
    sending = courier(pool, settings(application.url))
    await sending.drain()
    await rows(pool, "update course_generation_jobs set status = 'processing' where id = %s", job)
    await rows(pool, "update course_generation_jobs set status = 'completed' where id = %s", job)
    await sending.drain()
    assert len({headers["webhook-id"] for headers, _ in application.received}) == 2
    ways = await rows(pool, "select state from coursewright.deliveries where way = 'tables' order by created_at")
    assert [each["state"] for each in ways] == ["superseded", "waiting"]


async def test_what_nobody_was_configured_for_is_not_told_after_days(pool: Pool, application: Application) -> None:
    await ended_job(pool)
    await rows(pool, "update coursewright.deliveries set created_at = now() - interval '4 days'")
    sending = courier(pool, settings(application.url))
    await sending.drain()
    assert application.received == []
    await rows(pool, "update coursewright.deliveries set created_at = now() - interval '31 days'")
    await sending.forget_old()
    assert await rows(pool, "select * from coursewright.deliveries") == []


async def test_two_secrets_sign_while_one_replaces_the_other(pool: Pool, application: Application) -> None:
    await ended_job(pool)
    both = SecretStr(f"whsec_{KEY} whsec_{NEXT_KEY}")
    await courier(pool, settings(application.url, webhook_secret=both)).drain()
    ((headers, body),) = application.received
    for key in (KEY, NEXT_KEY):
        assert Receiver(key).verify(body, headers)


@pytest.mark.parametrize(
    "url",
    ["http://127.0.0.1/", "http://169.254.169.254/latest", "http://[::1]/", "http://10.1.2.3/", "http://localhost/",
     "http://2130706433/", "http://[::ffff:7f00:1]/"],
)  # fmt: skip
async def test_no_webhook_reaches_what_only_this_machine_can_reach(pool: Pool, url: str) -> None:
    await ended_job(pool)
    await courier(pool, settings(url, networks=())).once()
    (row,) = await webhooks(pool)
    assert row["state"] == "waiting"
    assert "is not on the public internet" in row["last_error"]


async def test_a_name_that_leads_elsewhere_the_second_time_gains_nothing(application: Application) -> None:
    asked: list[str] = []

    async def rebound(host: str, _: int) -> list[str]:
        asked.append(host)
        return ["10.0.0.1"]

    url = application.url.replace("127.0.0.1", "app.example")
    failed = await Webhook(url, settings(url, networks=("127.0.0.0/8",)), rebound).send("msg_1", b"{}", 1)
    assert failed is not None
    assert "app.example is not on the public internet" in failed.why
    assert asked == ["app.example"]


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"webhook_secret": None}, "needs a secret"),
        ({"webhook_secret": SecretStr("whsec_c2hvcnQ=")}, "24 bytes"),
        ({"webhook_secret": SecretStr("not base64 at all!")}, "24 bytes"),
        ({"webhook_url": "ftp://app.example/hook"}, "delivery.webhook_url"),
        ({"webhook_url": "http://user:password@app.example/hook"}, "delivery.webhook_url"),
    ],
)
async def test_settings_that_cannot_be_used_are_refused_at_the_start(
    pool: Pool, changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigurationError, match=message):
        courier(pool, settings("https://app.example/hook", **changes))
