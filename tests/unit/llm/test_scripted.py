"""The scripted provider answers by rule, in all three modes, and has its bad days."""

from uuid import UUID, uuid4

import pytest

from coursewright.errors import CallError, CallTimedOut, CoursewrightError, Overloaded, ReplyLost
from coursewright.llm.model import Finish, Message, Request
from coursewright.llm.provider import BatchItem, BatchState, Provider
from coursewright.llm.providers.scripted import BAD_DAYS, NEVER, Say, Scripted

REQUEST = Request("scripted:small", (Message("user", "What do bees eat?"),), 100)
CALL = UUID(int=1)


async def test_it_answers_by_rule_and_logs() -> None:
    provider: Provider = Scripted(lambda request, asked: Say(f"{request.messages[0].text} {asked}"))
    first = await provider.send(REQUEST, CALL, 10)
    second = await provider.send(REQUEST, CALL, 10)
    assert (first.text, second.text) == ("What do bees eat? 0", "What do bees eat? 1")
    assert first.finish == Finish.STOP
    assert first.model == "small"
    assert first.usage.output > 0


async def test_time_passes_only_as_the_clock_says() -> None:
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    provider = Scripted(lambda request, asked: Say("yes", seconds=[4, NEVER][asked]), sleep=sleep)
    await provider.send(REQUEST, CALL, 10)
    with pytest.raises(CallTimedOut):
        await provider.send(REQUEST, CALL, 10)
    assert slept == [4, 10]


@pytest.mark.parametrize("name", BAD_DAYS)
async def test_every_bad_day_is_an_error_or_an_unusable_reply(name: str) -> None:
    provider = Scripted(lambda request, asked: BAD_DAYS[name]())
    try:
        reply = await provider.send(REQUEST, CALL, 60)
    except CoursewrightError as error:
        assert error.detail  # noqa: PT017
    else:
        assert reply.finish != Finish.STOP or not reply.text or name == "invalid_json"


async def test_background() -> None:
    provider = Scripted(lambda request, asked: Say("later"), polls=2)
    reply_id = await provider.submit(REQUEST, CALL)
    assert [await provider.fetch(reply_id), await provider.fetch(reply_id)] == [None, None]
    reply = await provider.fetch(reply_id)
    assert reply is not None
    assert reply.text == "later"
    with pytest.raises(ReplyLost):
        await provider.fetch("unknown")


async def test_batches() -> None:
    items = [BatchItem(uuid4(), REQUEST) for _ in range(4)]
    provider = Scripted(lambda request, asked: Say(str(asked)))
    batch = await provider.submit_batch(items)
    assert await provider.poll_batch(batch) == BatchState.WORKING
    assert await provider.poll_batch(batch) == BatchState.ENDED
    assert {result.call_id for result in await provider.fetch_batch(batch)} == {item.call_id for item in items}

    expired = Scripted(lambda request, asked: Say("x"), batch_fault="expired")
    assert len(await expired.fetch_batch(await expired.submit_batch(items))) == 2
    partial = Scripted(lambda request, asked: Say("x"), batch_fault="partial")
    results = await partial.fetch_batch(await partial.submit_batch(items))
    assert sum(isinstance(result.outcome, Overloaded) for result in results) == 2
    stuck = Scripted(lambda request, asked: Say("x"), batch_fault="stuck")
    batch = await stuck.submit_batch(items)
    assert {await stuck.poll_batch(batch) for _ in range(5)} == {BatchState.WORKING}
    await stuck.cancel_batch(batch)
    assert await stuck.poll_batch(batch) == BatchState.ENDED


def test_errors_say_what_may_have_been_billed() -> None:
    billed = {name for name, make in BAD_DAYS.items() if isinstance(outcome := make(), CallError) and outcome.billed}
    assert billed == {"reset_in_body", "idle_stream", "lost"}
