"""Makes calls until all are answered: `python -m tests.faults.call_program URL PORT SPILL MODE CALLS`.

MODE is `sync`, `background` or `batch`. Prints a line when it begins. Whatever it is killed
by, the next one goes on.
"""

import asyncio
import sys
from dataclasses import replace
from pathlib import Path
from uuid import UUID

from coursewright.db.pool import open_pool
from coursewright.llm import Accepted, Deferred, Gateway, Message, Origin, Reply, Request, Verdict
from coursewright.llm.provider import FixedProviders
from coursewright.settings import DatabaseSettings, GatewaySettings
from tests.wire import WireProvider

SETTINGS = GatewaySettings(
    timeout_seconds=1,
    tokens_per_second=1000,
    grace_seconds=0.5,
    poll_seconds=0.05,
    max_sends=1000,
    wave_seconds=0.05,
    batch_poll_seconds=0.05,
    batch_multiplier=1,
    prices={"wire:*": "1/2"},
)
ORIGIN = Origin(UUID(int=1), "", "lesson_section", job_id=UUID(int=10))
REQUEST = Request("wire:small", (Message("user", "What do bees eat?"),), 100)


def accept(reply: Reply) -> Verdict[str]:
    return Accepted(reply.text)


async def main(url: str, port: str, spill: str, mode: str, calls: str) -> None:
    origin = replace(ORIGIN, seconds_left=0.5 if mode == "background" else None)
    origin = replace(origin, urgency="batch" if mode == "batch" else "normal")
    provider = WireProvider(int(port))
    async with (
        open_pool(url, DatabaseSettings()) as pool,
        Gateway(pool, FixedProviders(provider), SETTINGS, spill=Path(spill)) as gateway,
    ):
        print("ready", flush=True)  # noqa: T201
        ended = asyncio.Event()

        async def duties() -> None:
            while not ended.is_set():
                await gateway.duties()
                await asyncio.sleep(0.05)

        async def call(n: int) -> None:
            while True:
                try:
                    await gateway.call(replace(origin, task_key=f"task-{n}"), REQUEST, accept)
                except Deferred as deferred:
                    await asyncio.sleep(min(deferred.seconds, 0.1))
                else:
                    return

        looking = asyncio.create_task(duties())
        async with asyncio.TaskGroup() as group:
            for n in range(int(calls)):
                group.create_task(call(n))
        ended.set()
        await looking
    await provider.aclose()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
