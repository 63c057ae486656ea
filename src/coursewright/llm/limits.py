"""How models fare: their limits as known now, and their breakers. The rules themselves stand in 0011_limits.sql."""

from dataclasses import dataclass
from datetime import datetime

from coursewright.db.pool import Pool, connected
from coursewright.db.queries import fetch_all, sql


@dataclass(frozen=True, slots=True)
class ModelState:
    """One model under one key. Rates are a minute, as in force; None: not known. `breaker`: closed, open, half_open.

    `waiting`: calls that hold a place in the line. `refused`: 429s so far.
    """

    endpoint: str
    model: str
    fingerprint: str
    requests_rate: float | None
    tokens_rate: float | None
    in_flight: int
    waiting: int
    refused: int
    blocked_until: datetime | None
    breaker: str
    reopen_at: datetime | None
    last_error: str | None


async def model_states(pool: Pool) -> list[ModelState]:
    """Return every model that was ever called, by endpoint and name."""
    async with connected(pool) as connection:
        return await fetch_all(connection, ModelState, sql(__package__, "model_states"), {})


__all__ = ["ModelState", "model_states"]
