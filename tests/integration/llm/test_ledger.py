"""The record of calls, and how stored replies end."""

from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest

from coursewright.db.pool import Pool
from coursewright.llm import Finish, Reply, Usage
from coursewright.llm.cache import Cache
from coursewright.llm.call import reply_to_json
from coursewright.llm.providers.scripted import Say
from tests.integration.llm.gateway_bench import ALPHA, BETA, JOB, GatewayBench

BASE = UUID(int=20)
REPLY = Reply("honey", Finish.STOP, Usage(10, 10), "small")


async def stored(bench: GatewayBench) -> int:
    count: int = await bench.sql("select count(*) from coursewright.call_texts")
    return count


async def test_every_call_of_a_job_is_listed_with_its_money(pool: Pool) -> None:
    bench = GatewayBench(pool, lambda request, asked: Say(["bad", "good"][min(asked, 1)], model="small-2026"))
    await bench.left_in_flight()
    await bench.expire()
    await bench.ask()
    first, second = await bench.ledger.calls(JOB)
    assert (first.state, first.reason, first.turn, first.sends) == ("rejected", "it says bad", 0, 2)
    assert (second.state, second.turn, second.model_answered) == ("accepted", 1, "small-2026")
    assert first.suspected == Decimal("0.000224")
    assert first.cost is not None
    spend = await bench.ledger.spent_by_job(JOB)
    assert spend.settled == first.cost + (second.cost or 0)
    assert spend.suspected == first.suspected
    assert (await bench.ledger.spent_this_month(ALPHA)).settled == spend.settled


async def test_an_answer_that_another_job_paid_for_is_listed_as_saved(pool: Pool) -> None:
    bench = GatewayBench(pool)
    await bench.ask()
    other = uuid4()
    await bench.ask(job_id=other)
    (call,) = await bench.ledger.calls(other)
    assert (call.saved, call.uses, call.cost) == (True, 1, None)
    assert (await bench.ledger.spent_by_job(other)).settled == 0


async def test_deleting_a_document_deletes_what_was_derived_from_it_but_not_the_money(pool: Pool) -> None:
    bench = GatewayBench(pool)
    await bench.ask("a", knowledge_base_id=BASE, documents=("bees.md", "hives.md"))
    await bench.ask("b", knowledge_base_id=BASE, documents=("honey.md",))
    cache = Cache(pool, bench.settings)
    assert await cache.forget(BETA, BASE, ["bees.md"]) == 0
    assert await cache.forget(ALPHA, BASE, ["bees.md"]) == 1
    assert await stored(bench) == 1
    spent = await bench.ledger.spent_by_job(JOB)
    assert spent.settled > 0
    await bench.ask("b", knowledge_base_id=BASE, documents=("honey.md",))
    assert len(bench.provider.log) == 2
    await bench.ask("a", knowledge_base_id=BASE, documents=("bees.md", "hives.md"))
    assert len(bench.provider.log) == 3
    assert await bench.states() == ["settled"] * 3
    assert await cache.forget(ALPHA, BASE, None) == 2


@pytest.mark.parametrize(
    "settings, left",
    [({"cache_days": 30}, 2), ({"cache_days": 3}, 1), ({"cache_mb": 1}, 1)],
    ids=["kept", "old", "many"],
)
async def test_old_texts_and_too_many_are_pruned_but_never_fresh_ones(
    pool: Pool, settings: dict[str, Any], left: int
) -> None:
    bench = GatewayBench(pool, lambda request, asked: Say("x" * 600_000), **settings)
    await bench.ask("old")
    await bench.sql("update coursewright.calls set used_at = used_at - interval '5 days'")
    await bench.ask("fresh")
    assert await Cache(pool, bench.settings).prune() == 2 - left
    assert await stored(bench) == left
    await bench.ask("fresh")
    assert len(bench.provider.log) == 2


async def test_one_process_an_hour_prunes_not_each_that_starts(pool: Pool) -> None:
    for expected in (0, 1, 0):
        bench = GatewayBench(pool)  # as another process, or another tick, would
        await bench.ask(f"call {expected}", generation=expected)
        await bench.sql("update coursewright.calls set used_at = used_at - interval '1 year'")
        await bench.gateway.duties()
        assert await stored(bench) == expected
        if expected:
            await bench.sql("update coursewright.rounds set pruned_at = pruned_at - interval '1 hour'")


async def test_a_document_that_anybody_deletes_takes_its_replies_along(pool: Pool) -> None:
    bench = GatewayBench(pool)
    await bench.sql("insert into coursewright.knowledge_bases values (%s, %s, 'bees', now())", BASE, ALPHA)
    for name in ("bees.md", "honey.md"):
        await bench.sql(
            "insert into coursewright.documents (knowledge_base_id, name, sha256, bytes) values (%s, %s, '', 1)",
            BASE,
            name,
        )
    await bench.ask("a", knowledge_base_id=BASE, documents=("bees.md",))
    await bench.ask("b", knowledge_base_id=BASE, documents=("honey.md",))
    await bench.ask("c", knowledge_base_id=BASE)
    await bench.sql("delete from coursewright.documents where name = 'bees.md'")
    assert await stored(bench) == 1
    await bench.sql("delete from coursewright.knowledge_bases")
    assert await stored(bench) == 0
    assert await bench.states() == ["settled"] * 3


async def test_a_document_that_is_deleted_while_a_call_quotes_it_takes_the_reply_along_later(pool: Pool) -> None:
    bench = GatewayBench(pool)
    send = await bench.left_in_flight()
    await bench.sql("update coursewright.calls set knowledge_base_id = %s, documents = '{bees.md}'", BASE)
    cache = Cache(pool, bench.settings)
    assert await cache.forget(ALPHA, BASE, ["bees.md"]) == 0
    await bench.gateway._flights._rows.record_reply(send, {"messages": []}, reply_to_json(REPLY), Decimal(0))
    assert await stored(bench) == 1
    assert await cache.prune() == 1
    assert await stored(bench) == 0
    assert (await bench.ask()).value == "HONEY 0"  # asked anew: the document is there again
    assert await cache.prune() == 0
