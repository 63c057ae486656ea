"""What was spent and on what: the record of calls, budgets with hard caps, live spend."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from psycopg.rows import scalar_row

from coursewright.db.pool import Pool, connected
from coursewright.db.queries import fetch_all, fetch_one, sql


@dataclass(frozen=True, slots=True)
class Spend:
    """Dollars: `reserved` for calls in flight, `settled`, `suspected` (perhaps billed, no reply known); the cap."""

    reserved: Decimal = Decimal(0)
    settled: Decimal = Decimal(0)
    suspected: Decimal = Decimal(0)
    cap: Decimal | None = None


@dataclass(frozen=True, slots=True)
class CallRecord:
    """One call of a job, with the sums over its sends. `saved`: answered before, for another job or an earlier run.

    `multiplier`: of the price, 0.5 in a batch at half the price.
    """

    id: UUID
    kind: str
    turn: int
    generation: int
    model: str
    model_answered: str | None
    state: str
    reason: str | None
    mode: str | None
    multiplier: Decimal
    sends: int
    input_tokens: int
    cached_tokens: int
    output_tokens: int
    reasoning_tokens: int
    cost: Decimal | None
    reserved: Decimal
    suspected: Decimal
    saved: bool
    uses: int
    seconds: float | None
    error: str | None
    fingerprint: str
    created_at: datetime


class Ledger:
    """Reads the record of calls, and sets budgets."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def calls(self, job_id: UUID) -> list[CallRecord]:
        """Return the calls that a job made or used, oldest first."""
        async with connected(self._pool) as connection:
            return await fetch_all(connection, CallRecord, sql(__package__, "calls_of_job"), {"job": job_id})

    async def spent_by_job(self, job_id: UUID) -> Spend:
        """Return what a job has spent so far."""
        return await self._spend("job", job_id)

    async def spent_by_organisation(self, organisation_id: UUID) -> Spend:
        """Return what an organisation has spent in all."""
        return await self._spend("organisation", organisation_id)

    async def spent_this_month(self, organisation_id: UUID) -> Spend:
        """Return what an organisation has spent in this month (UTC)."""
        return await self._spend("month", organisation_id)

    async def cap_job(self, job_id: UUID, organisation_id: UUID, dollars: Decimal | None) -> None:
        """Set the hard cap of a job, or lift it. What is spent already stays counted."""
        parameters = {"job": job_id, "organisation": organisation_id, "dollars": dollars}
        await self._execute("cap_job", parameters)

    async def cap_job_by_default(self, job_id: UUID, organisation_id: UUID, dollars: Decimal) -> None:
        """Set the hard cap of a job that has none yet."""
        await self._execute("cap_job_by_default", {"job": job_id, "organisation": organisation_id, "dollars": dollars})

    async def newest_generation(self, organisation_id: UUID) -> int:
        """Return the highest generation that an organisation's calls belong to."""
        async with connected(self._pool) as connection, connection.cursor(row_factory=scalar_row) as cursor:
            await cursor.execute(sql(__package__, "newest_generation"), {"organisation": organisation_id})
            return int(await cursor.fetchone() or 0)

    async def limit_organisation(
        self,
        organisation_id: UUID,
        *,
        total: Decimal | None = None,
        month: Decimal | None = None,
        calls_at_once: int | None = None,
        provider_storage: bool = False,
    ) -> None:
        """Set what an organisation may spend in all and in a month, and how many of its calls may be in flight.

        None leaves it to the installation. `provider_storage` allows modes in which prompts rest at a provider
        (background, batch).
        """
        parameters = {
            "organisation": organisation_id,
            "total": total,
            "month": month,
            "calls_at_once": calls_at_once,
            "provider_storage": provider_storage,
        }
        await self._execute("limit_organisation", parameters)

    async def allow_storage(self, organisation_id: UUID) -> None:
        """Allow modes in which an organisation's prompts rest at a provider, and leave its other limits alone."""
        await self._execute("allow_storage", {"organisation": organisation_id})

    async def _spend(self, scope: str, owner: UUID) -> Spend:
        async with connected(self._pool) as connection:
            found = await fetch_one(connection, Spend, sql(__package__, "spend"), {"scope": scope, "owner": owner})
        return found or Spend()

    async def _execute(self, query: str, parameters: dict[str, Any]) -> None:
        async with connected(self._pool) as connection:
            await connection.execute(sql(__package__, query), parameters)


__all__ = ["CallRecord", "Ledger", "Spend"]
