"""A gateway on a real Postgres with a scripted provider, and short words for what the tests do with them."""

import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

from psycopg.rows import scalar_row

from coursewright.db.pool import Pool
from coursewright.llm import Accepted, Answer, Gateway, Message, Origin, Rejected, Reply, Request, Verdict
from coursewright.llm.call import CallRows
from coursewright.llm.ledger import Ledger
from coursewright.llm.model import call_key
from coursewright.llm.provider import FixedProviders
from coursewright.llm.providers.scripted import Rule, Say, Scripted
from coursewright.settings import GatewaySettings

ALPHA, BETA = UUID(int=1), UUID(int=2)
JOB = UUID(int=10)
ORIGIN = Origin(ALPHA, "task-1", "lesson_section", job_id=JOB)
REQUEST = Request("scripted:small", (Message("user", "What do bees eat?"),), 100)


def good(reply: Reply) -> Verdict[str]:
    """Accept what does not begin with `bad`."""
    return Rejected(f"it says {reply.text}") if reply.text.startswith("bad") else Accepted(reply.text.upper())


class GatewayBench:
    """See the module."""

    def __init__(self, pool: Pool, rule: Rule | None = None, spill: Path | None = None, **settings: Any) -> None:
        self.pool = pool
        self.provider = Scripted(rule or (lambda request, asked: Say(f"honey {asked}")))
        self.ledger = Ledger(pool)
        self.settled: list[UUID] = []
        self.settings = GatewaySettings.model_validate({"prices": {"scripted:*": "1/2"}} | settings)
        self.gateway = Gateway(
            pool, FixedProviders(self.provider), self.settings, spill=spill, on_settled=self._on_settled
        )

    async def _on_settled(self, call: UUID) -> None:
        self.settled.append(call)

    async def ask(self, key: str = "task-1", fallbacks: Sequence[str] = (), **origin: Any) -> Answer[str]:
        try:
            return await self.gateway.call(
                replace(ORIGIN, task_key=key, began=time.monotonic(), **origin), REQUEST, good, fallbacks=fallbacks
            )
        finally:
            await self.gateway.settle()

    async def allow_background(self) -> None:
        """Let prompts rest at the provider, and let somebody look after them often enough."""
        await self.ledger.limit_organisation(ALPHA, provider_storage=True)
        await self.sql("update coursewright.rounds set gap = 60, gap_at = clock_timestamp()")

    async def sql(self, query: str, *parameters: object) -> Any:
        async with self.pool.connection() as connection, connection.cursor(row_factory=scalar_row) as cursor:
            await cursor.execute(query.encode(), parameters)
            return await cursor.fetchone() if cursor.description else None

    async def states(self) -> list[str]:
        """Return the states of all sends, in order."""
        states: list[str] = await self.sql(
            "select coalesce(array_agg(state order by started_at), '{}') from coursewright.sends"
        )
        return states

    async def left_in_flight(self) -> UUID:
        """Leave a call as a killed process leaves it: on its way, nobody waits for the reply. Returns the send."""
        key = call_key(ORIGIN, 0, REQUEST)
        terms = await self.gateway.terms.make(self.provider, ORIGIN, REQUEST)
        asked = self.gateway._asked(ORIGIN, 0, REQUEST, key, [key], self.provider, terms)
        begun = await CallRows(self.pool).begin(asked)
        assert begun.send is not None
        return begun.send

    async def skip_waits(self) -> None:
        """Let the time pass that calls wait for."""
        await self.sql("update coursewright.calls set retry_at = '-infinity'")
        await self.sql("update coursewright.sends set poll_at = '-infinity' where poll_at is not null")

    async def expire(self) -> None:
        """Let every deadline pass."""
        await self.sql("update coursewright.sends set deadline_at = clock_timestamp() - interval '1 s'")

    async def money(self, scope: str = "job") -> list[float]:
        """Return reserved, settled, suspected."""
        row: list[float] = await self.sql(
            "select array[reserved, settled, suspected]::float[] from coursewright.budgets where scope = %s", scope
        )
        return row
