"""`coursewright calls` and `models` as a program that is run."""

import asyncio
import json
import os
import sys
from uuid import UUID

from coursewright.app import LOCAL_ORGANISATION
from coursewright.db.pool import Pool
from coursewright.llm.providers.scripted import Say
from coursewright.queue import JobQueue
from tests.integration.llm.gateway_bench import GatewayBench


async def run(url: str, *words: str) -> str:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "coursewright", *words),
        env=os.environ | {"DATABASE_URL": url, "NO_COLOR": "1"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    printed, _ = await process.communicate()
    assert process.returncode == 0, printed.decode()
    return printed.decode()


async def a_job(pool: Pool) -> UUID:
    return await JobQueue(pool).enqueue("generate_course_v2", {"request": {}}, organisation_id=LOCAL_ORGANISATION)


async def test_the_calls_of_a_job_and_their_money(pool: Pool, database_url: str) -> None:
    bench = GatewayBench(pool, lambda request, asked: Say(["bad", "good"][min(asked, 1)]))
    job = await a_job(pool)
    await bench.ask(organisation_id=LOCAL_ORGANISATION, job_id=job)
    told = json.loads(await run(database_url, "calls", str(job)[:8], "--json"))
    assert [call["state"] for call in told["calls"]] == ["rejected", "accepted"]
    assert told["spent"]["settled"] == sum(call["cost"] for call in told["calls"]) > 0
    first, second = (await run(database_url, "calls", str(job))).splitlines()
    assert first.split("\t")[:3] == ["lesson section", "rejected", "scripted:small"]
    assert second.split("\t")[:2] == ["lesson section, turn 2", "accepted"]
    assert json.loads(await run(database_url, "models", "--json"))[0]["breaker"] == "closed"
    assert "scripted:small" in await run(database_url, "models")


async def test_a_job_without_calls_and_no_models(pool: Pool, database_url: str) -> None:
    job = await a_job(pool)
    assert "nothing was spent" in await run(database_url, "calls", str(job))
    assert "No model was called yet" in await run(database_url, "models")
