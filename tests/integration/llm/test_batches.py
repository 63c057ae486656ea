"""Calls that are not urgent are pooled, handed in once, and fetched by any worker; what fails is asked for alone."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from coursewright.db.pool import Pool
from coursewright.errors import (
    CallTimedOut,
    ConnectionLost,
    CoursewrightError,
    DatabaseUnavailable,
    KeyRefused,
    NoCapacity,
    Overloaded,
    PromptTooLong,
    QuotaExhausted,
    RateLimited,
    ReplyLost,
    RequestRefused,
)
from coursewright.llm import Deferred, Usage
from coursewright.llm.call import request_from_json
from coursewright.llm.limits import model_states
from coursewright.llm.provider import BatchItem, BatchResult, BatchState, FixedProviders, Provider
from coursewright.llm.providers.scripted import Outcome, Say, Scripted
from tests.integration.llm.gateway_bench import ALPHA, BETA, JOB, GatewayBench

KEYS = [f"task-{n}" for n in range(4)]


async def waiting(bench: GatewayBench, *keys: str, **origin: Any) -> None:
    """Let calls wait for a batch."""
    for organisation in (ALPHA, BETA):
        await bench.ledger.limit_organisation(organisation, provider_storage=True)
    for key in keys:
        with pytest.raises(Deferred, match="batch"):
            await bench.ask(key, urgency="batch", **origin)


async def turn(bench: GatewayBench) -> None:
    """Let any worker do its duties once, with all that is due."""
    await bench.sql("update coursewright.batches set poll_at = '-infinity' where poll_at is not null")
    await bench.gateway.duties()


async def whole_batch(bench: GatewayBench) -> None:
    """Let a batch be handed in, worked on and fetched."""
    for _ in range(3):
        await turn(bench)


async def test_calls_are_pooled_and_cost_half(pool: Pool) -> None:
    bench = GatewayBench(pool, lambda request, asked: Say(f"honey {asked}", usage=Usage(20, 50)), wave_seconds=0)
    await waiting(bench, *KEYS)
    assert bench.provider.log == []
    assert await bench.states() == ["waiting"] * 4
    reserved = (await bench.money())[0]
    await turn(bench)
    assert [asked.mode for asked in bench.provider.log] == ["batch"] * 4
    assert await bench.states() == ["submitted"] * 4
    await turn(bench)  # it is worked on
    await turn(bench)
    assert await bench.states() == ["settled"] * 4
    assert len(bench.settled) == 4
    assert {(await bench.ask(key, urgency="batch")).value for key in KEYS} == {f"HONEY {n}" for n in range(4)}
    await bench.ask("at once")
    costs = await bench.sql("select array_agg(distinct cost) from coursewright.sends where cost is not null")
    assert max(costs) == 2 * min(costs)
    assert reserved == pytest.approx(4 * 0.000224 / 2)
    assert len(bench.provider.log) == 5


async def test_waves_wait_for_others_unless_there_are_enough(pool: Pool) -> None:
    bench = GatewayBench(pool, wave_seconds=3600, wave_calls=4)
    await waiting(bench, *KEYS[:3])
    await turn(bench)
    assert bench.provider.log == []
    await waiting(bench, KEYS[3])
    await turn(bench)
    assert len(bench.provider.log) == 4


async def test_organisations_never_share_a_batch_and_no_batch_holds_too_many_tokens(pool: Pool) -> None:
    bench = GatewayBench(pool, wave_seconds=0, batch_tokens=300)  # 124 tokens a call
    await waiting(bench, *KEYS)
    await waiting(bench, "other", organisation_id=BETA)
    await turn(bench)
    assert len(bench.provider.log) == 2
    await turn(bench)  # no room; that of the other organisation counts for the same key
    assert len(bench.provider.log) == 2
    for _ in range(8):
        await turn(bench)
    assert len(bench.provider.log) == 5
    assert await bench.states() == ["settled"] * 5
    assert await bench.sql("select count(*) from coursewright.batches") == 3


async def test_without_leave_to_store_prompts_at_the_provider_calls_go_at_once(pool: Pool) -> None:
    bench = GatewayBench(pool)
    await bench.ask(urgency="batch")
    assert [asked.mode for asked in bench.provider.log] == ["sync"]


async def test_repairs_go_at_once(pool: Pool) -> None:
    bench = GatewayBench(pool, lambda request, asked: Say(["bad", "good"][min(asked, 1)]), wave_seconds=0)
    await waiting(bench, "task-1")
    await whole_batch(bench)
    assert (await bench.ask(urgency="batch")).value == "GOOD"
    assert [asked.mode for asked in bench.provider.log] == ["batch", "sync"]


async def test_a_call_that_becomes_urgent_leaves_the_line(pool: Pool) -> None:
    bench = GatewayBench(pool)
    await waiting(bench, "task-1")
    assert (await bench.ask()).value == "HONEY 0"
    assert sorted(await bench.states()) == ["released", "settled"]
    assert (await bench.money())[0] == 0


@pytest.mark.parametrize("fault", ["partial", "expired"])
async def test_what_a_batch_does_not_bring_is_asked_for_alone(pool: Pool, fault: str) -> None:
    bench = GatewayBench(pool, wave_seconds=0)
    bench.provider.batch_fault = fault  # type: ignore[assignment]
    await waiting(bench, *KEYS)
    await whole_batch(bench)
    assert sorted(await bench.states()) == ["released"] * 2 + ["settled"] * 2
    bench.provider.batch_fault = ""
    answered = 0
    for key in KEYS:
        try:
            await bench.ask(key, urgency="batch")
            answered += 1
        except Deferred:
            pass
    assert answered == 2
    await whole_batch(bench)
    for key in KEYS:
        await bench.ask(key, urgency="batch")
    assert len(bench.provider.log) == 6


async def test_a_batch_that_is_stuck_is_cancelled_and_what_is_finished_is_kept(pool: Pool) -> None:
    bench = GatewayBench(pool, wave_seconds=0)
    bench.provider.batch_fault = "stuck"
    await waiting(bench, *KEYS)
    for _ in range(4):
        await turn(bench)
    assert bench.provider.cancelled == []
    await bench.sql("update coursewright.batches set deadline_at = clock_timestamp() - interval '1 s'")
    await turn(bench)
    assert len(bench.provider.cancelled) == 1
    await turn(bench)
    assert sorted(await bench.states()) == ["released"] * 2 + ["settled"] * 2


async def test_a_batch_that_the_provider_lost_is_booked_and_asked_for_again(pool: Pool) -> None:
    bench = GatewayBench(pool, wave_seconds=0)
    await waiting(bench, *KEYS)
    await turn(bench)
    bench.provider._batches.clear()
    await turn(bench)
    assert await bench.states() == ["suspected"] * 4
    assert (await bench.money())[2] > 0
    assert (await bench.ask(KEYS[0])).value == "HONEY 4"


@pytest.mark.parametrize("error", [PromptTooLong, RequestRefused, KeyRefused, QuotaExhausted])
async def test_what_is_refused_for_good_in_a_batch_is_said_by_an_immediate_call(
    pool: Pool, error: type[CoursewrightError]
) -> None:
    bench = GatewayBench(pool, lambda request, asked: error("No."), wave_seconds=0)
    await waiting(bench, KEYS[0])
    await whole_batch(bench)
    assert await bench.states() == ["released"]
    with pytest.raises(error) as raised:
        await bench.ask(KEYS[0], urgency="batch")
    assert type(raised.value) is error
    assert [asked.mode for asked in bench.provider.log] == ["batch", "sync"]
    assert await bench.money() == [0, 0, 0]


async def test_a_parameter_that_a_model_refuses_in_a_batch_is_left_out_by_an_immediate_call(pool: Pool) -> None:
    outcomes: list[Outcome] = [RequestRefused("Unsupported parameter: 'seed'."), Say("honey")]
    bench = GatewayBench(pool, lambda request, asked: outcomes[asked], wave_seconds=0)
    await waiting(bench, KEYS[0])
    await whole_batch(bench)
    assert (await bench.ask(KEYS[0], urgency="batch")).value == "HONEY"
    assert (await bench.ask(KEYS[0], urgency="batch")).value == "HONEY"
    assert [asked.mode for asked in bench.provider.log] == ["batch", "sync"]
    assert await bench.sql("select price ->> 'multiplier' from coursewright.sends where state = 'settled'") == "1"


async def test_an_account_that_was_mended_since_is_asked_in_batches_again(pool: Pool) -> None:
    outcomes: list[Outcome] = [QuotaExhausted("No credit."), Say("honey")]
    bench = GatewayBench(pool, lambda request, asked: outcomes[asked], wave_seconds=0)
    await waiting(bench, KEYS[0])
    await whole_batch(bench)
    await bench.sql("update coursewright.sends set ended_at = ended_at - interval '11 minutes'")
    await waiting(bench, KEYS[0])
    await whole_batch(bench)
    assert (await bench.ask(KEYS[0], urgency="batch")).value == "HONEY"
    assert [asked.mode for asked in bench.provider.log] == ["batch", "batch"]


class Failing(Scripted):
    """Takes batches, and works on none."""

    async def fetch_batch(self, batch_id: str) -> list[BatchResult]:
        return [BatchResult(None, RateLimited("Too many tokens wait."))]


async def test_a_batch_that_found_no_room_is_handed_in_again_for_as_long_as_it_takes(pool: Pool) -> None:
    bench = GatewayBench(pool, wave_seconds=600, wave_calls=2)
    willing, failing = bench.provider, Failing(lambda request, asked: Say("x"), polls=0)
    bench.gateway._providers._providers["scripted"] = failing  # type: ignore[attr-defined]
    await waiting(bench, *KEYS[:2])
    await turn(bench)
    for batches in range(1, 10):  # more often than a call may fail
        await turn(bench)
        assert await bench.sql("select count(*) from coursewright.sends where state <> 'released'") == 0
        await waiting(bench, *KEYS[:2])
        await turn(bench)  # not at once: it has just been refused
        assert len(failing.log) == 2 * batches
        await bench.sql("update coursewright.batches set ended_at = ended_at - interval '11 minutes'")
        await turn(bench)
        assert len(failing.log) == 2 * (batches + 1)
    await turn(bench)
    bench.gateway._providers._providers["scripted"] = willing  # type: ignore[attr-defined]
    assert (await bench.ask(KEYS[0])).value == "HONEY 0"


class Finalizing(Scripted):
    """Neither ends a batch nor lets it be stopped."""

    async def poll_batch(self, batch_id: str) -> BatchState:
        return BatchState.WORKING

    async def cancel_batch(self, batch_id: str) -> None:
        self.cancelled.append(batch_id)
        raise RequestRefused("Cannot cancel a batch with status 'finalizing'.")


async def test_a_batch_that_neither_ends_nor_can_be_stopped_is_given_up_in_time(pool: Pool) -> None:
    bench = GatewayBench(pool, wave_seconds=0)
    bench.provider = Finalizing(lambda request, asked: Say(f"honey {asked}"))
    bench.gateway._providers._providers["scripted"] = bench.provider  # type: ignore[attr-defined]
    await waiting(bench, *KEYS[:2])
    await turn(bench)
    await bench.sql("update coursewright.batches set deadline_at = clock_timestamp() - interval '1 s'")
    for _ in range(2):
        await turn(bench)
    assert len(bench.provider.cancelled) == 2
    assert await bench.states() == ["submitted"] * 2
    await bench.sql("update coursewright.batches set deadline_at = clock_timestamp() - interval '121 minutes'")
    await turn(bench)
    assert await bench.states() == ["suspected"] * 2  # nobody knows whether it is billed
    assert await bench.sql("select state from coursewright.batches") == "ended"
    assert (await bench.ask(KEYS[0])).value == "HONEY 2"


class Unwilling(Scripted):
    """Takes no batch."""

    error: Exception = Overloaded("HTTP 503.")

    async def submit_batch(self, items: object) -> str:
        raise self.error


@pytest.mark.parametrize(
    ("error", "state"),
    [
        (Overloaded("HTTP 503."), "waiting"),
        (ConnectionLost("No connection."), "waiting"),
        (CallTimedOut("Silence."), "suspected"),
        (AttributeError("'str' object has no attribute 'id'"), "suspected"),  # of an adapter
        (KeyRefused("The key was revoked."), "released"),
        (RequestRefused("No batches with this model."), "released"),
    ],
    ids=["overloaded", "unreachable", "silent", "revoked", "refused", "an adapter's own"],
)
async def test_a_batch_that_is_not_taken_waits_or_is_booked(pool: Pool, error: Exception, state: str) -> None:
    bench = GatewayBench(pool, wave_seconds=0)
    unwilling = Unwilling(lambda request, asked: Say("x"))
    unwilling.error = error
    await waiting(bench, *KEYS)
    bench.gateway._providers._providers["scripted"] = unwilling  # type: ignore[attr-defined]
    await turn(bench)
    assert await bench.states() == [state] * 4
    assert await bench.sql("select state from coursewright.batches") == "ended"
    if state == "released":
        assert (await bench.ask(KEYS[0], urgency="batch")).value == "X"
        assert [asked.mode for asked in unwilling.log] == ["sync"]


async def test_a_wave_whose_key_was_refused_waits_for_the_next_key(pool: Pool) -> None:
    bench = GatewayBench(pool, wave_seconds=0)
    willing, unwilling = bench.provider, Unwilling(lambda request, asked: Say("x"), fingerprint="old")
    unwilling.error = KeyRefused("The key was revoked.")

    class TwoKeys(FixedProviders):
        async def refused(self, provider: Provider, organisation_id: UUID | None) -> bool:
            assert (provider.fingerprint, organisation_id) == ("old", ALPHA)
            self._providers["scripted"] = willing
            return True

    bench.gateway._batches._providers = TwoKeys(unwilling)
    await waiting(bench, *KEYS)
    for state in ("waiting", "submitted"):
        await turn(bench)
        assert await bench.states() == [state] * 4


class Unreadable(Scripted):
    """Brings results that its adapter does not expect; its key is refused when its batch is asked for."""

    asking: Exception | None = None

    async def poll_batch(self, batch_id: str) -> BatchState:
        if self.asking:
            raise self.asking
        return BatchState.ENDED

    async def fetch_batch(self, batch_id: str) -> list[BatchResult]:
        raise ValueError("Expecting value: line 1 column 1")


async def test_results_that_nobody_can_read_stop_no_other_duty_and_end_in_time(
    pool: Pool, caplog: pytest.LogCaptureFixture
) -> None:
    bench = GatewayBench(pool, wave_seconds=0)
    bench.gateway._providers._providers["scripted"] = Unreadable(lambda request, asked: Say("x"))  # type: ignore[attr-defined]
    await waiting(bench, *KEYS[:2])
    for _ in range(3):
        await turn(bench)
    assert "cannot be asked for: Expecting value" in caplog.text
    assert await bench.states() == ["submitted"] * 2
    await bench.sql("update coursewright.batches set deadline_at = clock_timestamp() - interval '121 minutes'")
    await turn(bench)
    assert await bench.states() == ["suspected"] * 2
    assert await bench.sql("select state from coursewright.batches") == "ended"


class OtherAccount(Scripted):
    """Knows no batch."""

    async def poll_batch(self, batch_id: str) -> BatchState:
        raise ReplyLost("There is no such batch.")


async def test_a_batch_whose_key_is_refused_is_asked_for_with_the_next_key_and_not_given_up_for_another_account(
    pool: Pool,
) -> None:
    bench = GatewayBench(pool, wave_seconds=0)
    revoked = Unreadable(lambda request, asked: Say("x"), fingerprint="old")
    keys: dict[str, Provider] = {
        "old": revoked,
        "new": OtherAccount(lambda request, asked: Say("y"), fingerprint="new"),
    }
    told: list[str] = []

    class TwoKeys(FixedProviders):
        async def get(self, name: str, organisation_id: UUID | None, used: str | None = None) -> Provider:
            return keys["new" if told else "old"]

        async def refused(self, provider: Provider, organisation_id: UUID | None) -> bool:
            told.append(provider.fingerprint)
            return True

    bench.gateway._batches._providers = TwoKeys(revoked)
    await waiting(bench, KEYS[0])
    await turn(bench)
    revoked.asking = KeyRefused("The key was revoked.")
    for _ in range(2):
        await turn(bench)
    assert told == ["old"]
    assert await bench.states() == ["submitted"]


async def test_a_provider_that_has_just_refused_a_batch_is_left_alone_for_a_while(pool: Pool) -> None:
    bench = GatewayBench(pool, wave_seconds=600, wave_calls=4)
    willing = bench.provider
    await waiting(bench, *KEYS)
    for provider in (Unwilling(lambda request, asked: Say("x")), willing):
        bench.gateway._providers._providers["scripted"] = provider  # type: ignore[attr-defined]
        await turn(bench)
    assert await bench.states() == ["waiting"] * 4
    await bench.sql("update coursewright.batches set ended_at = ended_at - interval '11 minutes'")
    await turn(bench)
    assert await bench.states() == ["submitted"] * 4


async def test_a_submitter_that_died_is_booked_and_its_late_results_are_kept(pool: Pool) -> None:
    bench = GatewayBench(pool, wave_seconds=0)
    await waiting(bench, *KEYS)
    rows = bench.gateway._batches
    wave = await rows._scalar("take_wave", **rows._wave_settings())
    await bench.expire()
    await bench.sql("update coursewright.batches set deadline_at = clock_timestamp() - interval '1 s'")
    await turn(bench)
    assert await bench.states() == ["suspected"] * 4
    items = [(call["call"], call["prompt"]) for call in wave["items"]]
    assert len(items) == 4
    # The submitter was only slow: the provider has taken the batch after all.
    batch_id = await bench.provider.submit_batch([BatchItem(UUID(call), request_from_json(p)) for call, p in items])
    await rows._scalar("record_batch", batch=UUID(wave["batch"]), provider_id=batch_id, window=60.0, poll_in=0.0)
    await whole_batch(bench)
    assert await bench.states() == ["settled"] * 4
    assert (await bench.money())[2] == 0


async def test_a_batch_that_is_on_its_way_is_handed_in_although_the_worker_stops(pool: Pool) -> None:
    sent, let_go = asyncio.Event(), asyncio.Event()

    class Slow(Scripted):
        async def submit_batch(self, items: Sequence[BatchItem]) -> str:
            sent.set()
            await let_go.wait()
            return await super().submit_batch(items)

    bench = GatewayBench(pool, wave_seconds=0)
    slow = Slow(lambda request, asked: Say(f"honey {asked}"))
    bench.gateway._batches._providers = FixedProviders(slow)
    await waiting(bench, *KEYS)
    duties = asyncio.create_task(bench.gateway.duties())
    await sent.wait()
    duties.cancel()
    await asyncio.wait([duties])
    let_go.set()
    await bench.gateway.settle()
    assert await bench.states() == ["submitted"] * 4
    for _ in range(2):
        await turn(bench)
    assert await bench.states() == ["settled"] * 4


async def test_the_id_of_a_batch_that_the_database_does_not_take_waits_in_a_file(pool: Pool, tmp_path: Path) -> None:
    bench = GatewayBench(pool, spill=tmp_path, wave_seconds=0)
    await waiting(bench, *KEYS)
    await bench.sql(
        "create function refuse() returns trigger language plpgsql as"
        " $$ begin raise exception 'in the way' using errcode = 'deadlock_detected'; end $$"
    )
    await bench.sql(
        "create trigger refuse before update on coursewright.batches for each row"
        " when (new.state = 'submitted') execute function refuse()"
    )
    with pytest.raises(DatabaseUnavailable):
        await bench.gateway.duties()
    await bench.sql("drop trigger refuse on coursewright.batches")
    assert await bench.states() == ["submitting"] * 4
    await whole_batch(bench)
    assert await bench.states() == ["settled"] * 4
    assert len(bench.provider.log) == 4


async def test_near_its_deadline_a_job_goes_on_at_once_and_ends_its_batch(pool: Pool) -> None:
    bench = GatewayBench(pool, wave_seconds=0)
    await waiting(bench, *KEYS[:3])
    await turn(bench)
    await waiting(bench, KEYS[3])
    assert sorted(await bench.states()) == ["submitted"] * 3 + ["waiting"]
    await bench.sql("update coursewright.calls set created_at = created_at - interval '23 hours'")
    bench.gateway.terms._first_calls.clear()
    assert (await bench.ask(KEYS[3], urgency="batch")).value == "HONEY 3"  # it had not left yet
    with pytest.raises(Deferred, match="comes with a batch"):  # this one had: it is not paid for twice
        await bench.ask(KEYS[0], urgency="batch")
    await turn(bench)  # the batch is worked on; it is told to stop
    assert len(bench.provider.cancelled) == 1
    await turn(bench)
    assert (await bench.ask(KEYS[0], urgency="batch")).value == "HONEY 0"  # finished before it was stopped
    assert (await bench.ask(KEYS[1], urgency="batch")).value == "HONEY 4"
    assert [asked.mode for asked in bench.provider.log] == ["batch"] * 3 + ["sync"] * 2
    assert (await bench.money())[2] == 0


async def test_a_job_says_by_when_it_is_wanted(pool: Pool) -> None:
    bench = GatewayBench(pool)
    await waiting(bench, KEYS[0])
    await bench.sql("update coursewright.calls set created_at = created_at - interval '23 hours'")
    bench.gateway.terms._first_calls.clear()
    with pytest.raises(Deferred, match="batch"):
        await bench.ask(KEYS[1], urgency="batch", within=48 * 3600)
    assert (await bench.ask(KEYS[2], urgency="batch", within=24 * 3600)).value == "HONEY 0"


async def test_a_call_of_more_tokens_than_may_wait_goes_alone(pool: Pool) -> None:
    bench = GatewayBench(pool, wave_seconds=0, batch_tokens=50)  # 124 tokens a call
    await waiting(bench, *KEYS[:2])
    for _ in range(5):
        await turn(bench)
    assert len(bench.provider.log) == 2
    assert await bench.sql("select count(*) from coursewright.batches") == 2


async def test_the_cheaper_tier_costs_what_it_turned_out_to_be(pool: Pool) -> None:
    bench = GatewayBench(pool, lambda request, asked: Say("honey", usage=Usage(20, 50)))
    bench.provider._abilities = replace(bench.provider._abilities, batch=False, flex=True)
    await bench.ask("cheap", urgency="batch")
    bench.provider._abilities = replace(bench.provider._abilities, flex=False)
    await bench.ask("dear", urgency="batch")
    cheap, dear = await bench.ledger.calls(JOB)
    assert [asked.request.tier for asked in bench.provider.log] == ["flex", ""]
    assert (cheap.mode, dear.mode) == ("flex", "sync")
    assert (float(cheap.multiplier), float(dear.multiplier)) == (0.5, 1)
    assert cheap.cost is not None
    assert dear.cost == 2 * cheap.cost
    assert await bench.sql("select min(reserved) = max(reserved) from coursewright.sends")  # the most it can cost


async def test_a_cheaper_tier_without_room_is_waited_for_and_harms_nobody(pool: Pool) -> None:
    bench = GatewayBench(pool, lambda request, asked: NoCapacity("No room.") if request.tier else Say("honey"))
    bench.provider._abilities = replace(bench.provider._abilities, batch=False, flex=True)
    for _ in range(9):  # more often than a call may fail
        with pytest.raises(Deferred, match=r"again in (6|7|8|9|1[012])\d\.\d s: No room"):
            await bench.ask("cheap", urgency="batch")
        await bench.skip_waits()
    assert (await bench.ask("dear")).value == "HONEY"
    (state,) = await model_states(pool)
    assert (state.breaker, state.refused) == ("closed", 0)
    assert await bench.money() == [0, pytest.approx((await bench.money())[1]), 0]
    await bench.sql("update coursewright.calls set created_at = created_at - interval '23 hours'")
    bench.gateway.terms._first_calls.clear()
    assert (await bench.ask("cheap", urgency="batch")).value == "HONEY"
