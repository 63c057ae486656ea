"""Keeps what was estimated for a job, and tells how far off the newest estimates of the same models were."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from decimal import Decimal
from uuid import UUID

from psycopg.types.json import Jsonb

from coursewright.db.pool import Pool, connected
from coursewright.db.queries import fetch_all, fetch_one, sql
from coursewright.generation.estimate import Estimate, Outcome

_COURSES = 10  # that an estimate learns from


@dataclass(frozen=True, slots=True)
class Told:
    """What was said of a job's cost before it began: dollars, None without a price."""

    model: str
    dollars_low: Decimal | None
    dollars_high: Decimal | None


class Estimates:
    """Estimates in the database."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def keep(self, job_id: UUID, organisation_id: UUID, estimate: Estimate) -> None:
        """Keep the estimate of a job; the first one stands."""
        low, high = estimate.dollars or (None, None)
        parameters = {
            "job": job_id,
            "organisation": organisation_id,
            "model": estimate.model,
            "work": Jsonb([asdict(each) for each in estimate.sized]),
            "low": low,
            "high": high,
        }
        async with connected(self._pool) as connection:
            await connection.execute(sql(__package__, "keep_estimate"), parameters)

    async def of_job(self, job_id: UUID) -> Told | None:
        """Return what was told of a job's cost, or None when nobody estimated it."""
        async with connected(self._pool) as connection:
            return await fetch_one(connection, Told, sql(__package__, "estimate_of_job"), {"job": job_id})

    async def outcomes(self, organisation_id: UUID, models: Mapping[str, str]) -> list[Outcome]:
        """Return what the newest courses of an organisation took beside what was estimated.

        `models`: by kind of work; a course counts where the same did the same.
        """
        parameters = {"organisation": organisation_id, "models": Jsonb(dict(models)), "most": _COURSES}
        async with connected(self._pool) as connection:
            return await fetch_all(connection, Outcome, sql(__package__, "estimate_outcomes"), parameters)


__all__ = ["Estimates", "Told"]
