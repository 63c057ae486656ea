"""The life of one call on a real Postgres: paid once, stored before it is judged, found again by whoever comes next."""

import asyncio
import contextlib
import json
import os
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from coursewright.db.pool import Pool, open_pool
from coursewright.errors import (
    CallError,
    ConfigurationError,
    CoursewrightError,
    DatabaseUnavailable,
    NeedsAction,
    NeedsWorker,
    NoUsableReply,
    RequestRefused,
)
from coursewright.llm import Abilities, Deferred, Finish, Reply, Request, Usage, Verdict
from coursewright.llm.call import CallRows, reply_to_json
from coursewright.llm.gateway import Gateway
from coursewright.llm.provider import FixedProviders
from coursewright.llm.providers.scripted import BAD_DAYS, NEVER, Outcome, Rule, Say, Scripted
from coursewright.llm.spill import Spill
from coursewright.settings import DatabaseSettings, GatewaySettings
from tests.integration.llm.gateway_bench import BETA, JOB, ORIGIN, REQUEST, GatewayBench, good


def script(*outcomes: Outcome) -> Rule:
    return lambda request, asked: outcomes[min(asked, len(outcomes) - 1)]


async def test_a_call_is_paid_once_and_found_again(pool: Pool) -> None:
    bench = GatewayBench(pool)
    first = await bench.ask()
    again = await bench.ask()
    assert (first.value, again.value) == ("HONEY 0", "HONEY 0")
    assert again.reply.usage == first.reply.usage
    assert len(bench.provider.log) == 1
    assert await bench.states() == ["settled"]
    assert await bench.sql("select state from coursewright.calls") == "accepted"
    assert bench.settled == [first.call_id]


@pytest.mark.parametrize(
    "other",
    [{"organisation_id": BETA}, {"generation": 1}, {"key": "task-2"}],
    ids=["organisation", "generation", "key"],
)
async def test_another_organisation_generation_or_key_is_another_call(pool: Pool, other: dict[str, object]) -> None:
    bench = GatewayBench(pool)
    await bench.ask()
    await bench.ask(**other)  # type: ignore[arg-type]
    assert len(bench.provider.log) == 2


async def test_metadata_does_not_change_the_call_but_everything_else_does(pool: Pool) -> None:
    bench = GatewayBench(pool)
    for request in (REQUEST, replace(REQUEST, metadata={"trace": "1"}), replace(REQUEST, temperature=0.5)):
        await bench.gateway.call(ORIGIN, request, good)
    assert len(bench.provider.log) == 2


async def test_a_rejected_reply_gets_another_turn_and_both_stay_on_record(pool: Pool) -> None:
    bench = GatewayBench(pool, script(Say("bad"), Say("good")))
    answer = await bench.ask()
    assert (answer.value, answer.rejected) == ("GOOD", ("it says bad",))
    again = await bench.ask()
    assert (again.value, again.rejected) == ("GOOD", ("it says bad",))
    assert len(bench.provider.log) == 2
    assert await bench.sql("select array_agg(state order by turn) from coursewright.calls") == ["rejected", "accepted"]


async def test_turns_end_and_a_new_generation_begins_anew(pool: Pool) -> None:
    bench = GatewayBench(pool, script(Say("bad")), max_turns=2)
    for _ in range(2):
        with pytest.raises(NoUsableReply) as caught:
            await bench.ask()
        assert caught.value.reasons == ("it says bad", "it says bad")
    assert len(bench.provider.log) == 2
    bench.provider.rule = script(Say("fine"))
    assert (await bench.ask(generation=1)).value == "FINE"


async def test_of_many_at_once_one_pays_and_the_others_are_deferred(pool: Pool) -> None:
    gate = asyncio.Event()

    async def sleep(_: float) -> None:
        await gate.wait()

    bench = GatewayBench(pool)
    slow = Scripted(script(Say("slow", seconds=5)), sleep=sleep)
    gateway = Gateway(pool, FixedProviders(slow), bench.settings)
    calls = [asyncio.create_task(gateway.call(ORIGIN, REQUEST, good)) for _ in range(8)]
    done, running = await asyncio.wait(calls, return_when=asyncio.FIRST_COMPLETED)
    while len(done) < 7:
        more, running = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
        done |= more
    gate.set()
    assert (await running.pop()).value == "SLOW"
    for loser in done:
        error = loser.exception()
        assert isinstance(error, Deferred)
        assert error.call_id == await bench.sql("select id from coursewright.calls")
    assert len(slow.log) == 1


@pytest.mark.parametrize("name", BAD_DAYS)
async def test_a_bad_day_is_booked_and_gone_the_next_time(pool: Pool, name: str) -> None:
    """Every bad day ends in an answer, once it is over, with its money where it belongs."""
    bench = GatewayBench(pool, script(BAD_DAYS[name](), Say("better")))

    def whole(reply: Reply) -> Verdict[str]:
        return good(replace(reply, text="bad" if reply.finish != Finish.STOP or len(reply.text) < 5 else reply.text))

    try:
        answer = await bench.gateway.call(ORIGIN, REQUEST, whole)
    except Deferred as deferred:
        assert deferred.seconds > 0  # noqa: PT017
        billed = name in ("late", "hang", "idle_stream", "reset_in_body", "lost")
        assert await bench.states() == ["suspected" if billed else "released"]
        assert (await bench.money())[2] == pytest.approx(0.000252 if billed else 0, abs=0.0002)
        await bench.sql("delete from coursewright.limits")
        await bench.skip_waits()
        answer = await bench.gateway.call(ORIGIN, REQUEST, whole)
    except (NeedsAction, RequestRefused) as stopped:
        assert stopped.hint or name == "prompt_too_long"  # noqa: PT017
        assert await bench.states() == ["released"]
        assert await bench.money() == [0, 0, 0]
        return
    assert answer.value in ("BETTER", BAD_DAYS[name]().text.upper() if name == "invalid_json" else "")  # type: ignore[union-attr]
    reserved, settled, _ = await bench.money()
    assert reserved == 0
    assert settled > 0


async def test_an_adapter_with_a_defect_is_on_record(pool: Pool) -> None:
    def broken(request: object, asked: int) -> Outcome:
        raise ZeroDivisionError

    bench = GatewayBench(pool, broken)
    with pytest.raises(Deferred):
        await bench.ask()
    assert await bench.states() == ["suspected"]


async def test_tries_end(pool: Pool) -> None:
    bench = GatewayBench(pool, script(BAD_DAYS["unreachable"]()), max_sends=2)
    for _ in range(2):
        with pytest.raises(Deferred):
            await bench.ask()
        await bench.skip_waits()
    with pytest.raises(CallError, match="No connection"):
        await bench.ask()
    assert len(bench.provider.log) == 2


async def test_a_cancelled_step_loses_nothing(pool: Pool) -> None:
    gate, asked = asyncio.Event(), asyncio.Event()

    async def sleep(_: float) -> None:
        asked.set()
        await gate.wait()

    bench = GatewayBench(pool)
    slow = Scripted(script(Say("slow", seconds=5)), sleep=sleep)
    async with Gateway(pool, FixedProviders(slow), bench.settings) as gateway:
        step = asyncio.create_task(gateway.call(ORIGIN, REQUEST, good))
        await asked.wait()
        step.cancel()
        with pytest.raises(asyncio.CancelledError):
            await step
        gate.set()
    assert (await bench.ask()).value == "SLOW"
    assert bench.provider.log == []


async def test_a_process_that_ends_books_what_it_cuts_off(pool: Pool) -> None:
    asked = asyncio.Event()

    async def sleep(_: float) -> None:
        asked.set()
        await asyncio.Event().wait()

    bench = GatewayBench(pool, grace_seconds=0.01)
    slow = Scripted(script(Say("slow", seconds=5)), sleep=sleep)
    async with Gateway(pool, FixedProviders(slow), bench.settings) as gateway:
        step = asyncio.create_task(gateway.call(ORIGIN, REQUEST, good))
        await asked.wait()
    with pytest.raises(asyncio.CancelledError):
        await step
    assert await bench.states() == ["suspected"]
    assert (await bench.ask()).value == "HONEY 0"


REPLY = Reply("late honey", Finish.STOP, Usage(input=10, output=4), "small", "r-1")


async def test_a_live_caller_is_not_judged_and_a_dead_one_is_booked(pool: Pool) -> None:
    bench = GatewayBench(pool)
    await bench.left_in_flight()
    assert await bench.gateway.duties() == 0
    with pytest.raises(Deferred):
        await bench.ask()
    await bench.expire()
    assert await bench.gateway.duties() == 1
    assert await bench.states() == ["suspected"]
    reserved, settled, suspected = await bench.money()
    assert (reserved, settled) == (0, 0)
    assert suspected > 0
    assert (await bench.ask()).value == "HONEY 0"
    assert (await bench.money())[2] == suspected


async def test_whoever_comes_first_books_the_dead_caller_itself(pool: Pool) -> None:
    bench = GatewayBench(pool)
    await bench.left_in_flight()
    await bench.expire()
    assert (await bench.ask()).value == "HONEY 0"
    assert await bench.states() == ["suspected", "settled"]


async def test_a_late_reply_is_accepted_from_an_owner_that_lost_its_lease(pool: Pool) -> None:
    bench = GatewayBench(pool)
    send = await bench.left_in_flight()
    await bench.expire()
    await bench.gateway.duties()
    assert await CallRows(pool).record_reply(send, {}, reply_to_json(REPLY), None)
    assert (await bench.ask()).value == "LATE HONEY"
    assert bench.provider.log == []
    assert await bench.states() == ["settled"]
    assert (await bench.money())[2] == 0


async def test_a_reply_that_comes_after_another_is_paid_for_but_changes_nothing(pool: Pool) -> None:
    bench = GatewayBench(pool)
    send = await bench.left_in_flight()
    await bench.expire()
    assert (await bench.ask()).value == "HONEY 0"
    settled = (await bench.money())[1]
    for _ in range(2):
        assert not await CallRows(pool).record_reply(send, {}, reply_to_json(REPLY), Decimal("0.5"))
    assert (await bench.ask()).value == "HONEY 0"
    assert await bench.money() == pytest.approx([0, settled + 0.5, 0])


async def test_text_that_postgres_does_not_take_is_stored_all_the_same(pool: Pool) -> None:
    bench = GatewayBench(pool, script(Say("a\x00b\ud800c \\u0000")))
    for _ in range(2):  # as it came, and as it was stored
        assert (await bench.ask()).value == "A\ufffdB\ufffdC \\U0000"
    assert len(bench.provider.log) == 1


async def test_a_rejected_reply_with_half_a_character_is_quoted_in_the_next_turn(pool: Pool) -> None:
    bench = GatewayBench(pool, script(Say("bad \ud800"), Say("good")))
    assert (await bench.ask()).value == "GOOD"
    assert len(bench.provider.log) == 2


@pytest.mark.parametrize("tokens", [-(10**9), 10**30, None], ids=["below nothing", "beyond reason", "no number"])
async def test_counts_that_cannot_be_cost_no_reply_and_raise_no_budget(pool: Pool, tokens: Any) -> None:
    bench = GatewayBench(pool, script(Say("good", usage=Usage(input=tokens, output=tokens))))
    for _ in range(2):
        assert (await bench.ask()).value == "GOOD"
    assert len(bench.provider.log) == 1
    assert await bench.sql("select cost >= 0 from coursewright.sends")


async def test_a_reply_that_the_database_cannot_take_waits_in_a_file(
    pool: Pool, database_url: str, tmp_path: Path
) -> None:
    bench = GatewayBench(pool)
    async with contextlib.AsyncExitStack() as stack:
        own = await stack.enter_async_context(open_pool(database_url, DatabaseSettings(connect_timeout=1)))

        async def sleep(_: float) -> None:
            await stack.aclose()  # the database is gone between the request and its reply

        dear = Scripted(script(Say("dear honey", seconds=1)), sleep=sleep)
        with pytest.raises(DatabaseUnavailable):
            await Gateway(own, FixedProviders(dear), bench.settings, spill=tmp_path).call(ORIGIN, REQUEST, good)
    (kept,) = Spill(tmp_path).waiting()
    assert oct(os.stat(kept).st_mode)[-3:] == "600"
    with pytest.raises(Deferred):
        await bench.ask()
    async with Gateway(pool, FixedProviders(bench.provider), bench.settings, spill=tmp_path):
        pass
    assert (await bench.ask()).value == "DEAR HONEY"
    assert Spill(tmp_path).waiting() == []
    assert bench.provider.log == []
    assert await bench.states() == ["settled"]


async def test_who_waits_for_a_call_looks_again_before_long(pool: Pool) -> None:
    """It may settle after this look and before the task says that it waits for it: then nothing wakes the task."""
    bench = GatewayBench(pool)
    await bench.left_in_flight()
    with pytest.raises(Deferred) as caught:
        await bench.ask()
    assert 0 < caught.value.seconds <= 15


async def _refuse_replies(bench: GatewayBench, why: str) -> None:
    """Let the database fail whenever a reply is stored, as a statement timeout or a deadlock would."""
    await bench.sql(f"create function refuse() returns trigger language plpgsql as $$ begin {why}; return new; end $$")
    await bench.sql(
        "create trigger refuse before update on coursewright.sends for each row"
        " when (new.state = 'settled') execute function refuse()"
    )


async def test_a_reply_that_others_are_in_the_way_of_waits_in_a_file(pool: Pool, tmp_path: Path) -> None:
    bench = GatewayBench(pool, spill=tmp_path)
    await _refuse_replies(bench, "raise exception 'in the way' using errcode = 'deadlock_detected'")
    with pytest.raises(DatabaseUnavailable):
        await bench.ask()
    assert await bench.gateway.duties() == 0  # not yet, and the round goes on
    await bench.sql("drop trigger refuse on coursewright.sends")
    assert await bench.gateway.duties() == 1
    assert (await bench.ask()).value == "HONEY 0"
    assert len(bench.provider.log) == 1
    assert await bench.states() == ["settled"]


async def test_files_that_hold_no_reply_keep_nothing_from_running(
    pool: Pool, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    bench = GatewayBench(pool, spill=tmp_path)
    await _refuse_replies(bench, "raise exception 'in the way' using errcode = 'deadlock_detected'")
    with pytest.raises(DatabaseUnavailable):
        await bench.ask()
    await bench.sql("drop trigger refuse on coursewright.sends")
    (kept,) = Spill(tmp_path).waiting()
    (tmp_path / "-0.json").mkdir()  # cannot be read, like another user's
    odd = ["", "{", "[]", "{}", '{"send": "x"}', json.dumps(json.loads(kept.read_text()) | {"cost": "dear"})]
    for number, text in enumerate(odd, start=1):
        (tmp_path / f"-{number}.json").write_text(text)  # before the one that can be stored
    async with Gateway(pool, FixedProviders(bench.provider), bench.settings, spill=tmp_path) as gateway:
        assert (await bench.ask()).value == "HONEY 0"
        assert await gateway.duties() == 0
    assert len(bench.provider.log) == 1
    left = Spill(tmp_path).waiting()
    assert [path.name for path in left] == [f"-{number}.json" for number in range(len(odd) + 1)]
    assert [sum(f"{path} " in record.message for record in caplog.records) for path in left] == [1] * len(left)


async def test_a_reply_whose_process_ends_while_it_is_stored_waits_in_a_file(pool: Pool, tmp_path: Path) -> None:
    bench = GatewayBench(pool, spill=tmp_path)
    await _refuse_replies(bench, "perform pg_sleep(60)")
    asking = asyncio.create_task(bench.gateway.call(ORIGIN, REQUEST, good))
    async with asyncio.timeout(20):
        asleep = "select count(*) from pg_stat_activity where wait_event = 'PgSleep'"
        while not await bench.sql(asleep):  # noqa: ASYNC110 - what happens on the server tells nobody here
            await asyncio.sleep(0.01)
    await bench.gateway._flights.close(0)
    assert (await asyncio.gather(asking, return_exceptions=True))[0] is not None
    await bench.sql("drop trigger refuse on coursewright.sends")
    assert await bench.gateway.duties() == 1
    assert (await bench.ask()).value == "HONEY 0"
    assert len(bench.provider.log) == 1


async def test_a_kept_reply_of_another_database_stops_nobody(pool: Pool, tmp_path: Path) -> None:
    records: list[dict[str, object]] = [
        {"prompt": {}, "reply": reply_to_json(REPLY), "cost": None},
        {"provider_id": "r1"},
    ]
    for number, kept in enumerate(records):
        Spill(tmp_path).keep(f"send-{number}", {"call": str(uuid4()), "send": str(uuid4()), **kept})
    async with Gateway(pool, FixedProviders(Scripted(script(Say("a")))), GatewaySettings(), spill=tmp_path) as gateway:
        assert await gateway.duties() == 0
    assert len(Spill(tmp_path).waiting()) == 2


async def test_an_id_that_the_database_cannot_take_waits_in_a_file(
    pool: Pool, database_url: str, tmp_path: Path
) -> None:
    bench = GatewayBench(pool)
    await bench.allow_background()
    async with contextlib.AsyncExitStack() as stack:
        own = await stack.enter_async_context(open_pool(database_url, DatabaseSettings(connect_timeout=1)))

        class Fading(Scripted):
            async def submit(self, request: Request, call_id: UUID) -> str:
                provider_id = await super().submit(request, call_id)
                await stack.aclose()
                return provider_id

        fading = Fading(script(Say("dear honey")), polls=0)
        origin = replace(ORIGIN, seconds_left=2.0)
        with pytest.raises(DatabaseUnavailable):
            await Gateway(own, FixedProviders(fading), bench.settings, spill=tmp_path).call(origin, REQUEST, good)
    async with Gateway(pool, FixedProviders(fading), bench.settings, spill=tmp_path) as gateway:
        await bench.skip_waits()
        assert await gateway.duties() == 1
    assert (await bench.ask()).value == "DEAR HONEY"
    assert await bench.states() == ["settled"]


async def test_a_background_reply_is_fetched_by_whoever_comes(pool: Pool) -> None:
    bench = GatewayBench(pool)
    await bench.allow_background()
    with pytest.raises(Deferred) as caught:
        await bench.ask(seconds_left=2.0)
    assert caught.value.call_id is not None
    assert await bench.states() == ["submitted"]
    for _ in range(2):  # not due; then asked, and not there
        with pytest.raises(Deferred):
            await bench.ask(seconds_left=2.0)
        await bench.skip_waits()
    assert await bench.gateway.duties() == 1
    assert bench.settled[-1] == caught.value.call_id
    assert (await bench.ask(seconds_left=2.0)).value == "HONEY 0"
    assert [asked.mode for asked in bench.provider.log] == ["background"]
    assert await bench.states() == ["settled"]


async def test_a_background_reply_that_is_lost_is_booked_and_asked_for_again(pool: Pool) -> None:
    bench = GatewayBench(pool, script(BAD_DAYS["lost"](), Say("again")))
    await bench.allow_background()
    with pytest.raises(Deferred):
        await bench.ask(seconds_left=2.0)
    await bench.skip_waits()
    await bench.gateway.duties()
    await bench.skip_waits()
    await bench.gateway.duties()
    assert await bench.states() == ["suspected"]
    await bench.skip_waits()
    assert (await bench.ask()).value == "AGAIN"


async def test_a_background_reply_that_is_stuck_is_given_up(pool: Pool) -> None:
    bench = GatewayBench(pool, script(Say("", seconds=NEVER)))
    await bench.allow_background()
    with pytest.raises(Deferred):
        await bench.ask(seconds_left=2.0)
    for _ in range(3):
        await bench.skip_waits()
        await bench.gateway.duties()
    assert await bench.states() == ["submitted"]
    await bench.expire()
    await bench.gateway.duties()
    assert await bench.states() == ["suspected"]


async def test_a_host_that_is_too_short_needs_a_worker_unless_the_answer_is_there(pool: Pool) -> None:
    bench = GatewayBench(pool)
    with pytest.raises(NeedsWorker):
        await bench.ask(seconds_left=2.0, host_seconds=3.0)
    with pytest.raises(Deferred):
        await bench.ask(seconds_left=2.0, host_seconds=60.0)
    assert bench.provider.log == []
    await bench.ask()
    assert (await bench.ask(seconds_left=2.0)).value == "HONEY 0"


async def test_a_job_that_uses_anothers_answer_is_counted(pool: Pool) -> None:
    bench = GatewayBench(pool)
    await bench.ask()
    await bench.ask()
    await bench.ask(job_id=uuid4())
    assert await bench.sql("select hits from coursewright.calls") == 2
    assert await bench.sql("select count(*) from coursewright.call_uses where job_id <> %s", JOB) == 1


async def test_a_provider_that_is_not_configured(pool: Pool) -> None:
    bench = GatewayBench(pool)
    with pytest.raises(ConfigurationError, match="openai"):
        await bench.gateway.call(ORIGIN, replace(REQUEST, model="openai:gpt"), good)


def test_all_errors_of_a_call_are_told_apart() -> None:
    assert issubclass(RequestRefused, CallError)
    assert not issubclass(NeedsAction, CallError)
    assert issubclass(NeedsAction, CoursewrightError)
    assert Abilities().background is False


async def test_a_provider_that_lost_its_key_holds_up_no_other(pool: Pool) -> None:
    bench = GatewayBench(pool)
    await bench.allow_background()
    lost = Scripted(lambda request, asked: Say("never"), name="lost")
    bench.gateway._providers._providers["lost"] = lost  # type: ignore[attr-defined]
    for key, request in (("task-1", replace(REQUEST, model="lost:small")), ("task-2", REQUEST)):
        with pytest.raises(Deferred, match="background"):
            await bench.gateway.call(replace(ORIGIN, task_key=key, seconds_left=2.0), request, good)
    del bench.gateway._providers._providers["lost"]  # type: ignore[attr-defined]
    done = 0
    for _ in range(3):
        await bench.skip_waits()
        done += await bench.gateway.duties()
    assert done == 1
    assert await bench.states() == ["submitted", "settled"]
