"""Twenty calls at once against a shared budget: `python budget_program.py URL NUMBER`; prints how many were sent."""

import asyncio
import sys
from dataclasses import replace

from coursewright.db.pool import open_pool
from coursewright.errors import BudgetReached
from coursewright.llm import Deferred, Gateway, Usage
from coursewright.llm.provider import FixedProviders
from coursewright.llm.providers.scripted import Say, Scripted
from coursewright.settings import DatabaseSettings, GatewaySettings
from tests.integration.llm.gateway_bench import ORIGIN, REQUEST, good


async def main(url: str, number: str) -> None:
    provider = Scripted(lambda request, asked: Say("honey", usage=Usage(20, 50), seconds=0.01), sleep=asyncio.sleep)
    settings = GatewaySettings(prices={"scripted:*": "1/2"})
    async with (
        open_pool(url, DatabaseSettings()) as pool,
        Gateway(pool, FixedProviders(provider), settings) as gateway,
    ):

        async def call(n: int) -> None:
            while True:
                try:
                    await gateway.call(replace(ORIGIN, task_key=f"{number}-{n}"), REQUEST, good)
                except Deferred:
                    await asyncio.sleep(0.02)
                except BudgetReached:
                    return
                else:
                    return

        await asyncio.gather(*(call(n) for n in range(20)))
    print(len(provider.log))  # noqa: T201


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
