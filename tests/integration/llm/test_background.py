"""Background mode where somebody comes in time, and the provider's own word that a reply is made."""

from uuid import UUID, uuid4

import pytest

from coursewright.db.pool import Pool, transaction
from coursewright.db.queries import sql
from coursewright.errors import KeyRefused, NeedsWorker, ReplyLost, RequestRefused
from coursewright.llm import Deferred, Gateway, Reply
from coursewright.llm.provider import FixedProviders, Provider
from coursewright.llm.providers.scripted import NEVER, Say, Scripted
from tests.integration.llm.gateway_bench import ALPHA, ORIGIN, REQUEST, GatewayBench, good


async def in_background(bench: GatewayBench, key: str = "task-1") -> str:
    """Leave a call to the provider and return its id there."""
    with pytest.raises(Deferred, match="background"):
        await bench.ask(key, seconds_left=2.0)
    found: str = await bench.sql("select provider_id from coursewright.sends order by started_at desc limit 1")
    return found


async def test_a_host_that_looks_in_too_rarely_does_not_use_it(pool: Pool) -> None:
    bench = GatewayBench(pool)
    await bench.ledger.limit_organisation(ALPHA, provider_storage=True)
    with pytest.raises(NeedsWorker):  # nobody ever came
        await bench.ask(seconds_left=2.0)
    for minutes in (60, 6):
        await bench.gateway.duties()
        await bench.sql("update coursewright.rounds set at = at - make_interval(mins => %s)", minutes)
        await bench.gateway.duties()
        with pytest.raises(NeedsWorker):
            await bench.ask(seconds_left=2.0)
    await bench.sql(
        "update coursewright.rounds set gap_at = gap_at - interval '2 hours', at = at - interval '1 minute'"
    )
    await bench.gateway.duties()
    await in_background(bench)


async def test_with_a_webhook_it_does(pool: Pool) -> None:
    bench = GatewayBench(pool)
    await bench.ledger.limit_organisation(ALPHA, provider_storage=True)
    bench.gateway = Gateway(pool, FixedProviders(bench.provider), bench.settings, webhooks=("scripted",))
    provider_id = await in_background(bench)
    bench.provider._waiting[provider_id] = 0
    assert await bench.gateway.ended("scripted", provider_id)
    assert await bench.states() == ["settled"]
    assert (await bench.ask()).value == "HONEY 0"
    assert not await bench.gateway.ended("scripted", provider_id)
    assert not await bench.gateway.ended("scripted", "of somebody else")


async def test_the_providers_word_may_come_too_early_or_after_the_deadline(pool: Pool) -> None:
    bench = GatewayBench(pool)
    await bench.allow_background()
    provider_id = await in_background(bench)
    assert await bench.gateway.ended("scripted", provider_id)  # it is not there, in spite of the word
    assert await bench.states() == ["submitted"]
    await bench.expire()
    await bench.gateway.duties()
    assert await bench.states() == ["suspected"]
    assert await bench.gateway.ended("scripted", provider_id)
    assert await bench.states() == ["settled"]
    assert (await bench.money())[2] == 0
    assert (await bench.ask()).value == "HONEY 0"


async def test_a_request_whose_id_was_lost_is_found_by_its_metadata(pool: Pool) -> None:
    bench = GatewayBench(pool)
    await bench.allow_background()
    for key in ("task-1", "task-2"):
        await in_background(bench, key)
    lost = await bench.sql(
        """update coursewright.sends set state = 'submitting', provider_id = null, poll_at = null
            where id = (select id from coursewright.sends order by started_at limit 1) returning call_id"""
    )
    await bench.sql("update coursewright.calls set state = 'submitting' where id = %s", lost)
    first, second = bench.provider._background
    bench.provider._waiting |= {first: 0, second: 0}
    assert not await bench.gateway.ended("other", first)
    assert await bench.gateway.ended("scripted", first)
    assert sorted(await bench.states()) == ["settled", "submitted"]
    assert await bench.sql("select provider_id from coursewright.sends where call_id = %s", lost) == first
    assert (await bench.ask("task-1")).value == "HONEY 0"


async def test_an_id_that_is_stored_after_the_reply_changes_nothing(pool: Pool) -> None:
    bench = GatewayBench(pool)
    await bench.allow_background()
    provider_id = await in_background(bench)
    send: UUID = await bench.sql("select id from coursewright.sends")
    bench.provider._waiting[provider_id] = 0
    assert await bench.gateway.ended("scripted", provider_id)
    await bench.gateway._flights.identify(send, provider_id)
    assert await bench.states() == ["settled"]
    assert await bench.sql("select ended_at is not null from coursewright.sends")


async def test_what_is_refused_in_the_background_is_said_to_whoever_asks(pool: Pool) -> None:
    bench = GatewayBench(pool)
    await bench.allow_background()
    await in_background(bench)
    bench.provider._background["background-1"] = RequestRefused("Invalid prompt.")
    bench.provider._waiting["background-1"] = 0
    await bench.skip_waits()
    await bench.gateway.duties()
    assert await bench.states() == ["released"]
    for seconds_left in (2.0, None):
        with pytest.raises(RequestRefused, match="Invalid prompt"):
            await bench.ask(seconds_left=seconds_left)
    assert len(bench.provider.log) == 1


class Locked(Scripted):
    """Refuses the key when a reply is fetched."""

    async def fetch(self, provider_id: str) -> Reply | None:
        raise KeyRefused("The key was revoked.")


async def test_a_key_that_is_refused_when_a_reply_is_fetched_does_not_give_the_money_back(pool: Pool) -> None:
    bench = GatewayBench(pool)
    await bench.allow_background()
    bench.provider = Locked(lambda request, asked: Say("", seconds=NEVER))
    bench.gateway._providers._providers["scripted"] = bench.provider  # type: ignore[attr-defined]
    await in_background(bench)
    await bench.skip_waits()
    assert await bench.gateway.duties() == 0
    await bench.skip_waits()
    with pytest.raises(KeyRefused):
        await bench.gateway.call(ORIGIN, REQUEST, good)
    assert await bench.states() == ["submitted"]
    await bench.expire()
    await bench.gateway.duties()
    assert (await bench.money())[2] > 0


@pytest.mark.parametrize(
    ("error", "fingerprint", "state"),
    [
        (AttributeError("'str' object has no attribute 'status'"), "no-key", "submitted"),
        (ReplyLost("There is no such reply."), "of another account", "submitted"),
        (ReplyLost("There is no such reply."), "no-key", "suspected"),
    ],
    ids=["no reply", "not seen by the next key", "lost"],
)
async def test_a_fetch_that_fails_says_nothing_of_the_reply_unless_it_is_lost(
    pool: Pool, error: Exception, fingerprint: str, state: str
) -> None:
    class Failing(Scripted):
        async def fetch(self, provider_id: str) -> Reply | None:
            raise error

    bench = GatewayBench(pool)
    await bench.allow_background()
    await in_background(bench)
    failing = Failing(lambda request, asked: Say(""), fingerprint=fingerprint)
    bench.gateway._providers._providers["scripted"] = failing  # type: ignore[attr-defined]
    await bench.skip_waits()
    with pytest.raises(Deferred):
        await bench.gateway.call(ORIGIN, REQUEST, good)
    assert await bench.states() == [state]


async def test_a_background_reply_whose_key_is_refused_is_fetched_with_the_next_key(pool: Pool) -> None:
    bench = GatewayBench(pool)
    await bench.allow_background()
    await in_background(bench)
    willing = bench.provider

    class TwoKeys(FixedProviders):
        async def refused(self, provider: Provider, organisation_id: UUID | None) -> bool:
            self._providers["scripted"] = willing
            return True

    bench.gateway._background._providers = TwoKeys(Locked(lambda request, asked: Say("")))
    willing._waiting["background-1"] = 0
    await bench.skip_waits()
    with pytest.raises(Deferred, match="next key"):
        await bench.gateway.call(ORIGIN, REQUEST, good)
    await bench.skip_waits()
    await bench.gateway.duties()
    assert await bench.states() == ["settled"]


async def test_a_batch_that_the_provider_says_has_ended_is_fetched_at_once(pool: Pool) -> None:
    bench = GatewayBench(pool, wave_seconds=0)
    await bench.ledger.limit_organisation(ALPHA, provider_storage=True)
    with pytest.raises(Deferred, match="batch"):
        await bench.ask(urgency="batch", job_id=uuid4())
    await bench.gateway.duties()
    provider_id = await bench.sql("select provider_id from coursewright.batches")
    bench.provider._waiting[provider_id] = 0
    assert await bench.gateway.ended("scripted", provider_id)
    assert await bench.states() == ["settled"]
    assert not await bench.gateway.ended("scripted", provider_id)


async def test_requests_without_an_id_are_found_without_reading_the_whole_ledger(pool: Pool) -> None:
    async with transaction(pool) as connection:
        await connection.execute("set local enable_seqscan = off")
        query = sql("coursewright.llm", "orphans")
        rows = await (await connection.execute("explain " + query, {"provider": "scripted"})).fetchall()
    plan = "\n".join(row[0] for row in rows)
    assert "sends_provider_id" in plan
    assert "Seq Scan on sends" not in plan
