"""Limits, the line before them, fair shares, and the breaker."""

import asyncio
from typing import Any

import pytest

from coursewright.db.pool import Pool, transaction
from coursewright.errors import Overloaded, RateLimited
from coursewright.llm import Deferred, Usage
from coursewright.llm.limits import ModelState, model_states
from coursewright.llm.model import Bucket, ReportedLimits
from coursewright.llm.providers.scripted import BAD_DAYS, Outcome, Say
from tests.integration.llm.gateway_bench import ALPHA, BETA, GatewayBench

LIMITS = {"scripted:*": {"requests": 60, "tokens": 60_000}}


async def waits(bench: GatewayBench, key: str, **origin: Any) -> float:
    """Ask, and return the seconds to wait; 0: answered."""
    try:
        await bench.ask(key, **origin)
    except Deferred as deferred:
        assert "takes no more requests" in deferred.reason  # noqa: PT017
        return deferred.seconds
    return 0.0


async def state(bench: GatewayBench) -> ModelState:
    (found,) = await model_states(bench.pool)
    return found


async def let_pass(bench: GatewayBench, seconds: float) -> None:
    """Let time pass for the limit and for those who wait."""
    await bench.sql(
        """with l as (update coursewright.limits set refilled_at = refilled_at - make_interval(secs => %(s)s),
                          blocked_until = blocked_until - make_interval(secs => %(s)s),
                          decreased_at = decreased_at - make_interval(secs => %(s)s),
                          increased_at = increased_at - make_interval(secs => %(s)s)),
                b as (update coursewright.breakers set reopen_at = reopen_at - make_interval(secs => %(s)s),
                          probe_until = probe_until - make_interval(secs => %(s)s))
           update coursewright.calls
              set retry_at = retry_at - make_interval(secs => %(s)s)""".replace("%(s)s", str(seconds))
    )


async def test_requests_beyond_the_rate_line_up_and_come_once_in_turn(pool: Pool) -> None:
    bench = GatewayBench(pool, limits=LIMITS)
    got = [await waits(bench, f"call-{n}") for n in range(14)]
    assert got[:10] == [0.0] * 10
    assert got[10:] == pytest.approx([1, 2, 3, 4], abs=0.6)
    assert await waits(bench, "call-13") == pytest.approx(4, abs=0.6)
    await let_pass(bench, 2)
    assert await waits(bench, "newcomer") == pytest.approx(3, abs=0.6)
    assert [await waits(bench, f"call-{n}") for n in (10, 11)] == [0, 0]
    assert (await state(bench)).waiting == 3


async def test_tokens_are_reserved_and_the_rest_is_given_back(pool: Pool) -> None:
    usage = Usage(input=20, output=10)
    bench = GatewayBench(pool, lambda request, asked: Say("x", usage=usage), limits={"scripted:*": {"tokens": 600}})
    await bench.left_in_flight()
    assert await bench.sql("select tokens_level from coursewright.limits") == pytest.approx(100 - 124)
    await bench.sql("delete from coursewright.limits")
    await bench.ask("other")
    assert await bench.sql("select tokens_level from coursewright.limits") == pytest.approx(100 - 30, abs=10)


async def test_reservations_are_learned_from_what_replies_need(pool: Pool) -> None:
    bench = GatewayBench(pool, lambda request, asked: Say("x", usage=Usage(input=10, output=30)))
    for n in range(8):
        await bench.ask(f"call-{n}")
    bench.gateway.terms._learned.clear()  # it is asked for again after ten seconds
    await bench.ask("after")
    reserved = await bench.sql("select limit_tokens from coursewright.sends order by started_at desc limit 1")
    assert reserved == pytest.approx(10 + 30)


async def test_tickets_that_nobody_comes_for_are_taken_back(pool: Pool) -> None:
    bench = GatewayBench(pool, limits=LIMITS)
    for n in range(12):
        await waits(bench, f"call-{n}")
    await let_pass(bench, 40)
    await bench.gateway.duties()
    assert (await state(bench)).waiting == 0
    assert await bench.sql("select requests_level from coursewright.limits") == pytest.approx(0, abs=0.6)


async def test_one_organisation_cannot_book_the_line_before_another(pool: Pool) -> None:
    bench = GatewayBench(pool, limits=LIMITS, line_seconds=10)
    alpha = [await waits(bench, f"a-{n}") for n in range(40)]
    assert sum(seconds > 0 for seconds in alpha) == 30
    assert (await state(bench)).waiting == pytest.approx(11, abs=1)
    beta = [await waits(bench, f"b-{n}", organisation_id=BETA) for n in range(3)]
    assert beta[0] == pytest.approx(12, abs=1.5)
    await let_pass(bench, 12)
    for n in range(40):
        await waits(bench, f"a-{n}")
    share = await bench.sql(
        "select count(*) from coursewright.calls where ticket_due is not null and organisation_id = %s", ALPHA
    )
    assert share <= 7


async def test_calls_at_once_of_one_organisation(pool: Pool) -> None:
    bench = GatewayBench(pool, calls_at_once=1)
    await bench.left_in_flight()
    with pytest.raises(Deferred, match="as many calls under way") as caught:
        await bench.ask("other")
    assert caught.value.call_id is not None
    await bench.ask("other", organisation_id=BETA)


async def test_a_429_blocks_all_for_a_little_longer_than_it_says_and_lowers_the_rate_once(pool: Pool) -> None:
    outcomes: list[Outcome] = [Say("ok"), RateLimited("slow down", retry_after=30), RateLimited("slow down"), Say("ok")]
    bench = GatewayBench(pool, lambda request, asked: outcomes[min(asked, 3)], limits=LIMITS)
    await bench.ask("first")
    with pytest.raises(Deferred):
        await bench.ask("second")
    found = await state(bench)
    assert found.requests_rate == pytest.approx(60 * 0.85)
    assert found.blocked_until is not None
    assert 33 <= await waits(bench, "third") < 36
    await let_pass(bench, 1)
    assert (await state(bench)).blocked_until is not None
    await let_pass(bench, 35)
    with pytest.raises(Deferred, match="slow down"):
        await bench.ask("third")
    assert (await state(bench)).requests_rate == pytest.approx(60 * 0.85 * 0.85, abs=0.1)
    await let_pass(bench, 20)
    assert await waits(bench, "second") == 0
    assert (await state(bench)).refused == 2
    assert await bench.sql("select state from coursewright.breakers union all select 'none'") == "none"


async def test_a_503_blocks_all_for_as_long_as_it_says_and_leaves_the_rate(pool: Pool) -> None:
    outcomes: list[Outcome] = [Say("ok"), Overloaded("HTTP 503.", retry_after=30), Say("ok")]
    bench = GatewayBench(pool, lambda request, asked: outcomes[min(asked, 2)], limits=LIMITS)
    await bench.ask("first")
    rate = (await state(bench)).requests_rate
    for each in ("second", "second", "third"):
        with pytest.raises(Deferred) as raised:
            await bench.ask(each)
        assert 29 <= raised.value.seconds < 36
    found = await state(bench)
    assert (found.requests_rate, found.refused) == (rate, 0)
    await let_pass(bench, 36)
    await bench.ask("second")
    await bench.ask("third")


async def test_an_unknown_limit_is_learned_from_the_first_429(pool: Pool) -> None:
    bench = GatewayBench(pool, lambda request, asked: Say("ok") if asked < 30 else RateLimited("slow down"))
    for n in range(30):
        await bench.ask(f"call-{n}")
    assert (await state(bench)).requests_rate is None
    with pytest.raises(Deferred):
        await bench.ask("one too many")
    assert (await state(bench)).requests_rate == pytest.approx(31 * 0.85)


async def test_headers_correct_rate_and_level(pool: Pool) -> None:
    told = ReportedLimits(Bucket(limit=120, remaining=3), Bucket(limit=90_000, remaining=50))
    bench = GatewayBench(pool, lambda request, asked: Say("ok", limits=told), limits={"scripted:*": {"tokens": 60_000}})
    await bench.ask()
    found = await state(bench)
    assert (found.requests_rate, found.tokens_rate) == (120, 60_000)
    levels = await bench.sql("select array[requests_level, tokens_level] from coursewright.limits")
    assert levels == pytest.approx([3, 50], abs=5)


async def test_a_slow_endpoint_is_asked_little_at_once(pool: Pool) -> None:
    """Where latency is the signal, few calls are let in at first, and more as long as none gets slow."""
    bench = GatewayBench(pool)
    abilities = bench.provider.abilities("small")
    bench.provider._abilities = type(abilities)(
        **{name: getattr(abilities, name) for name in abilities.__dataclass_fields__}
        | {"signals_load_by_latency": True}
    )
    await bench.ask("first")
    for n in range(4):
        await bench.sql(
            """insert into coursewright.sends (call_id, number, organisation_id, month, endpoint, fingerprint, model,
                   kind, mode, owner, state, deadline_at, limit_tokens)
               select id, %s, organisation_id, now(), endpoint, fingerprint, model, kind, 'sync', 'x', 'submitting',
                      now() + interval '1 hour', 0 from coursewright.calls limit 1""",
            n + 2,
        )
    with pytest.raises(Deferred, match="busy with other calls"):
        await bench.ask("fifth")


async def test_the_breaker_opens_probes_and_closes(pool: Pool) -> None:
    ill = True
    bench = GatewayBench(pool, lambda request, asked: Overloaded("HTTP 503.") if ill else Say("well"))
    for n in range(4):
        with pytest.raises(Deferred):
            await bench.ask(f"call-{n}")
    assert (await state(bench)).breaker == "open"
    assert (await state(bench)).last_error == "overloaded"
    with pytest.raises(Deferred, match="fails too often"):
        await bench.ask("call-5")
    assert len(bench.provider.log) == 4
    await let_pass(bench, 11)
    assert (await state(bench)).breaker == "half_open"
    with pytest.raises(Deferred):
        await bench.ask("call-5")
    with pytest.raises(Deferred, match=r"again in (1\d|20)"):
        await bench.ask("call-6")
    assert len(bench.provider.log) == 5
    ill = False
    await let_pass(bench, 21)
    await bench.ask("call-5")
    await bench.ask("call-6")
    assert (await state(bench)).breaker == "closed"


async def test_refusals_and_bad_requests_do_not_open_the_breaker(pool: Pool) -> None:
    bench = GatewayBench(pool, lambda request, asked: BAD_DAYS["prompt_too_long"]())
    for n in range(6):
        with pytest.raises(Exception, match="window"):
            await bench.ask(f"call-{n}")
    assert (await state(bench)).breaker == "closed"


async def test_a_fallback_is_asked_while_the_first_is_ill_and_its_answer_is_kept(pool: Pool) -> None:
    ill = True
    bench = GatewayBench(
        pool,
        lambda request, asked: Overloaded("HTTP 503.") if ill and request.model_name == "small" else Say(request.model),
    )
    for n in range(4):
        with pytest.raises(Deferred):
            await bench.ask(f"call-{n}", fallbacks=["scripted:large"])
    answer = await bench.ask("call-9", fallbacks=["scripted:large"])
    assert answer.value == "SCRIPTED:LARGE"
    ill = False
    await let_pass(bench, 60)
    sent = len(bench.provider.log)
    assert (await bench.ask("call-9", fallbacks=["scripted:large"])).value == "SCRIPTED:LARGE"
    assert len(bench.provider.log) == sent
    assert (await bench.ask("call-10", fallbacks=["scripted:large"])).value == "SCRIPTED:SMALL"


async def test_a_round_of_duties_holds_no_limit_while_it_waits_for_a_budget(pool: Pool) -> None:
    """Calls lock budgets first, then limits; the other way round the two would wait for each other."""
    bench = GatewayBench(pool, limits=LIMITS)
    await bench.ask("late for its turn")
    await bench.sql("update coursewright.calls set ticket_due = -3600, ticket_tokens = 1")
    await bench.left_in_flight()
    await bench.expire()
    async with transaction(pool) as calling:
        await calling.execute("select from coursewright.budgets for update")
        duties = asyncio.create_task(bench.gateway.duties())
        waiting = (
            "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
        )
        async with asyncio.timeout(20):
            while not await bench.sql(waiting):  # noqa: ASYNC110 - what happens on the server tells nobody here
                await asyncio.sleep(0.01)
        await calling.execute("select from coursewright.limits for update nowait")
    assert await duties == 1
    assert (await state(bench)).waiting == 0
    assert await bench.states() == ["settled", "suspected"]
