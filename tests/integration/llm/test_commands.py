"""`coursewright calls` and `models` as a program that is run."""

import asyncio
import json
import os
import sys
from collections.abc import Mapping
from uuid import UUID

from coursewright.app import LOCAL_ORGANISATION
from coursewright.db.pool import Pool
from coursewright.llm.providers.scripted import Say
from coursewright.queue import JobQueue
from tests.integration.llm.gateway_bench import GatewayBench
from tests.wire import simulator


async def run(url: str, *words: str, more: Mapping[str, str] | None = None) -> str:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "coursewright", *words),
        env=os.environ | {"DATABASE_URL": url, "NO_COLOR": "1", **(more or {})},
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
    (known,) = json.loads(await run(database_url, "models", "--json"))
    assert known["state"]["breaker"] == "closed"
    assert known["used_for"] == []
    assert not known["reachable"]  # there is no such provider
    assert "There is no provider 'scripted'" in await run(database_url, "models")


async def test_a_job_without_calls_and_no_models(pool: Pool, database_url: str) -> None:
    job = await a_job(pool)
    assert "nothing was spent" in await run(database_url, "calls", str(job))
    assert "No model is configured, and none was called" in await run(database_url, "models")


async def test_the_models_that_are_configured_are_listed_before_the_first_call(pool: Pool, database_url: str) -> None:
    with simulator("--model", "gpt-5.4-mini") as port:
        environment = {
            "OPENAI_API_KEY": "sk-nobody",
            "COURSEWRIGHT_PROVIDERS__OPENAI_BASE_URL": f"http://127.0.0.1:{port}/v1",
            "COURSEWRIGHT_PROVIDERS__MODELS": '{"lesson_mind_map": "openai:gpt-9-nano"}',
            "COURSEWRIGHT_PROVIDERS__FALLBACKS": '["anthropic:claude-haiku-4-5"]',
            "COURSEWRIGHT_GATEWAY__LIMITS": '{"openai:*": {"requests": 500, "tokens": 400000}}',
        }
        found = json.loads(await run(database_url, "models", "--json", more=environment))
        small, nano, haiku = found
        assert (small["model"], small["used_for"], small["reachable"]) == (
            "openai:gpt-5.4-mini", ["what names no other"], True,
        )  # fmt: skip
        assert (small["abilities"]["batch"], small["limits"]["requests"], small["state"]) == (True, 500, None)
        assert small["price"]["tiers"]
        assert (nano["used_for"], nano["reachable"]) == (["lesson mind map"], False)
        assert "knows no model 'gpt-9-nano' for this key; it knows gpt-5.4-mini." in nano["why"]
        assert "The usual one is openai:gpt-5.4-mini." in nano["why"]
        assert (haiku["used_for"], haiku["abilities"]) == (["fallback"], None)
        printed = await run(database_url, "models", "--no-probe", more=environment)
    assert "500 requests and 400,000 tokens a minute" in printed
    assert "prompt cache" in printed
    assert "answers   yes" not in printed
