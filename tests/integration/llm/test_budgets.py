"""Hard caps hold whatever runs at once; unknown prices and spent budgets stop a job and say how to go on."""

import asyncio
import sys
from decimal import Decimal
from pathlib import Path
from uuid import UUID

import pytest

from coursewright.db.pool import Pool
from coursewright.errors import BudgetReached, PriceUnknown
from coursewright.llm import Deferred, Usage
from coursewright.llm.providers.scripted import BAD_DAYS, Say
from tests.integration.llm.gateway_bench import ALPHA, BETA, JOB, GatewayBench

# 1 and 2 dollars a million tokens; the request may write 100 tokens and has 24 at most: 0.000224 dollars reserved.
RESERVED = 0.000224
ROOT = Path(__file__).parents[3]


async def cap(bench: GatewayBench, dollars: float) -> None:
    await bench.ledger.cap_job(JOB, ALPHA, Decimal(str(dollars)))


async def test_what_is_reserved_is_the_most_that_a_call_can_cost(pool: Pool) -> None:
    bench = GatewayBench(pool)
    await bench.left_in_flight()
    assert await bench.money() == [RESERVED, 0, 0]
    assert await bench.money("month") == await bench.money("organisation") == [RESERVED, 0, 0]


async def test_the_price_used_is_stored_and_the_refund_given(pool: Pool) -> None:
    usage = Usage(input=20, output=50, cached=10, reasoning=30)
    bench = GatewayBench(pool, lambda request, asked: Say("honey", usage=usage), prices={"scripted:*": "1/0.1/2"})
    await bench.ask()
    assert await bench.money() == pytest.approx([0, (10 * 1 + 10 * 0.1 + 50 * 2) / 1e6, 0])
    price = await bench.sql("select price from coursewright.sends")
    assert price["tiers"][0]["cached"] == "0.1"
    tokens = "select array[input_tokens, cached_tokens, output_tokens, reasoning_tokens] from coursewright.sends"
    assert await bench.sql(tokens) == [20, 10, 50, 30]


async def test_a_call_that_does_not_fit_any_more_stops_the_job_and_says_how_to_go_on(pool: Pool) -> None:
    bench = GatewayBench(pool)
    await cap(bench, 0.000245)
    for key in ("one", "two", "three"):
        await bench.ask(key)
    with pytest.raises(BudgetReached, match="this job") as caught:
        await bench.ask("four")
    assert "resume" in caught.value.hint
    assert (await bench.ask("one")).value == "HONEY 0"
    assert len(bench.provider.log) == 3
    await cap(bench, 1)
    await bench.ask("four")
    assert len(bench.provider.log) == 4


async def test_no_room_because_of_calls_in_flight_is_only_deferred(pool: Pool) -> None:
    bench = GatewayBench(pool)
    await bench.ledger.limit_organisation(ALPHA, total=Decimal(str(RESERVED * 1.5)))
    await bench.left_in_flight()
    with pytest.raises(Deferred, match="may use up the budget") as caught:
        await bench.ask("other", job_id=UUID(int=11))
    assert caught.value.call_id == await bench.sql("select call_id from coursewright.sends")
    await bench.ask("another organisation", organisation_id=BETA, job_id=UUID(int=12))


async def test_suspected_spend_counts(pool: Pool) -> None:
    bench = GatewayBench(pool, lambda request, asked: BAD_DAYS["hang"]())
    await cap(bench, RESERVED * 1.5)
    with pytest.raises(Deferred):
        await bench.ask()
    await bench.skip_waits()
    with pytest.raises(BudgetReached):
        await bench.ask()


async def test_a_month_has_a_cap_of_its_own_by_default_of_the_installation(pool: Pool) -> None:
    bench = GatewayBench(pool, month_budget=0.000245)
    for key in ("one", "two", "three"):
        await bench.ask(key, job_id=None)
    with pytest.raises(BudgetReached, match="this month"):
        await bench.ask("four", job_id=None)
    await bench.ledger.limit_organisation(ALPHA, month=Decimal(1))
    await bench.ask("with a cap of its own")


async def test_an_unknown_price_refuses_a_budget_but_nothing_else(pool: Pool) -> None:
    bench = GatewayBench(pool, prices={})
    await bench.ask()
    assert await bench.sql("select cost is null from coursewright.sends")
    await cap(bench, 1)
    with pytest.raises(PriceUnknown, match="scripted:small"):
        await bench.ask("other")


async def test_a_cap_holds_exactly_over_several_processes(pool: Pool, database_url: str) -> None:
    """Four processes with twenty calls each want far more than the cap; what is spent and reserved stays below it,
    at every moment that anybody looks.
    """
    bench = GatewayBench(pool)
    dollars = round(Decimal(str(30.5 * RESERVED)), 10)  # as the database keeps it
    await bench.ledger.cap_job(JOB, ALPHA, dollars)
    program = [sys.executable, "-m", "tests.integration.llm.budget_program", database_url]
    processes = [
        await asyncio.create_subprocess_exec(*program, str(n), cwd=ROOT, stdout=asyncio.subprocess.PIPE)
        for n in range(4)
    ]
    ended = asyncio.gather(*(process.communicate() for process in processes))
    seen: list[Decimal] = []
    while not ended.done():
        spend = await bench.ledger.spent_by_job(JOB)
        seen.append(spend.reserved + spend.settled + spend.suspected)
        await asyncio.wait([ended], timeout=0.01)
    sent = sum(int(printed) for printed, _ in await ended)
    assert max(seen) <= dollars
    assert 30 <= sent < 80
    spend = await bench.ledger.spent_by_job(JOB)
    assert spend.reserved == spend.suspected == Decimal(0)
    assert spend.settled <= dollars < spend.settled + Decimal(str(RESERVED))
    assert spend.settled == Decimal(sent * 120) / 1_000_000
