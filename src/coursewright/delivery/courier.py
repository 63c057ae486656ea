"""Delivers what the ends of jobs have left to be delivered. Any process may, under a lease; one that dies costs a
repetition. A duty of every worker and of every tick, beside the tasks of jobs, which it never holds up.
"""

import asyncio
import json
import logging
import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID

from coursewright.db.pool import Pool, is_passing, mapped_errors
from coursewright.db.queries import fetch_all, sql
from coursewright.delivery.outcome import Failed
from coursewright.delivery.webhook import Webhook

_log = logging.getLogger(__name__)

# Seconds after each failure, as Standard Webhooks recommends: 75 hours in all.
_DELAYS = (5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400)
_SPREAD = 0.2
_AT_ONCE = 8
_MARGIN = 30.0  # seconds that a lease outlasts the longest try


@dataclass(frozen=True, slots=True)
class Delivery:
    """What is to be delivered of a job's end. `attempts` counts this try too, and is its fence."""

    id: UUID
    job_id: UUID
    way: str
    payload: dict[str, Any]
    attempts: int
    now: int


class Way(Protocol):
    """One way to deliver. None: it was delivered."""

    async def __call__(self, delivery: Delivery, /) -> Failed | None: ...


class Courier:
    """Claims deliveries that are due and hands each to its way. After `tries` failures one is dead: its job says so."""

    def __init__(self, pool: Pool, ways: Mapping[str, Way], *, tries: int, seconds: float) -> None:
        """`seconds`: the longest that a try may take."""
        self._pool = pool
        self._ways = ways
        self._tries = tries
        self._seconds = seconds

    async def run(self, every: float = 1.0) -> None:
        """Deliver what comes until cancelled; a database that is away is waited for."""
        while self._ways:
            busy = False
            try:
                busy = await self.once() > 0
            except Exception as error:  # whatever it is, the worker's tasks go on
                _log.warning("deliveries are looked for again: %s", error, exc_info=not is_passing(error))
            if not busy:
                await asyncio.sleep(every)
        await asyncio.Event().wait()

    async def drain(self) -> None:
        """Deliver all that is due."""
        while await self.once():
            pass

    async def once(self) -> int:
        """Try some of the deliveries that are due, side by side; return how many."""
        if not self._ways:
            return 0
        claimed = await self._claim()
        ended = await asyncio.gather(*(self._try(each) for each in claimed), return_exceptions=True)
        if errors := [each for each in ended if isinstance(each, BaseException)]:
            raise errors[0]
        return len(claimed)

    async def forget_old(self) -> None:
        """Delete what was delivered, or given up, a month ago."""
        with mapped_errors():
            async with self._pool.connection() as connection:
                await connection.execute(sql(__package__, "forget_old_deliveries"))

    async def _claim(self) -> list[Delivery]:
        wanted = {"ways": list(self._ways), "most": _AT_ONCE, "seconds": self._seconds + _MARGIN}
        with mapped_errors():
            async with self._pool.connection() as connection:
                return await fetch_all(connection, Delivery, sql(__package__, "claim_deliveries"), wanted)

    async def _try(self, delivery: Delivery) -> None:
        try:
            failed = await self._ways[delivery.way](delivery)
        except Exception as error:
            if is_passing(error):
                raise
            _log.exception("delivery %s of job %s raised", delivery.id, delivery.job_id)
            failed = Failed(f"{type(error).__name__}: {error}")
        if failed:
            _log.warning("delivery %s of job %s failed: %s", delivery.id, delivery.job_id, failed.why)
        await self._settle(delivery, failed)

    async def _settle(self, delivery: Delivery, failed: Failed | None) -> None:
        wait = _DELAYS[min(delivery.attempts, len(_DELAYS)) - 1] * random.uniform(1 - _SPREAD, 1 + _SPREAD)  # noqa: S311
        dead = failed is not None and (failed.final or delivery.attempts >= self._tries)
        outcome = {
            "id": delivery.id,
            "attempts": delivery.attempts,
            "state": "delivered" if failed is None else "dead" if dead else "waiting",
            "error": failed.why if failed else None,
            "again_in": max(wait, failed.again_in or 0.0) if failed else wait,
        }
        with mapped_errors():
            async with self._pool.connection() as connection:
                await connection.execute(sql(__package__, "settle_delivery"), outcome)


class ByWebhook:
    """Posts the end of a job to the application: at least once, always with the same id."""

    def __init__(self, webhook: Webhook) -> None:
        self._webhook = webhook

    async def __call__(self, delivery: Delivery) -> Failed | None:
        """Send it."""
        body = json.dumps(delivery.payload, ensure_ascii=False).encode()
        return await self._webhook.send(f"msg_{delivery.id.hex}", body, delivery.now)


__all__ = ["ByWebhook", "Courier", "Delivery", "Way"]
