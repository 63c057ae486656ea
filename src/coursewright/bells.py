"""The doorbells that an installation is configured for."""

import asyncio
import contextlib
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from coursewright.doorbells import Bells, NotifyDoorbell, Ringing
from coursewright.doorbells.bells import Count, Listen
from coursewright.doorbells.bullmq import BullDoorbell
from coursewright.doorbells.qstash import QStashDoorbell
from coursewright.doorbells.web import WebDoorbell
from coursewright.queue.leases import WorkLeft
from coursewright.settings import Settings

_SECONDS_TO_RING = 0.3
_SECONDS_TO_ANSWER = 0.1  # after that
_SOON = 5.0  # seconds: what is due later is left to a timer, or to a bell that rings at a given time


def configured_bells(settings: Settings, url: str, count: Count, tick: Ringing | None) -> Bells:
    """Return them all; the database's own is always there. `tick`: of `tick_bell`. `count` is told of each ring."""
    ringing: list[Ringing] = [tick] if tick else []
    listening: dict[str, Listen] = {"notify": NotifyDoorbell(url, settings.database).listen}
    if settings.redis_url:
        bull = BullDoorbell(settings.redis_url.get_secret_value())
        ringing.append(bull)
        listening[bull.name] = bull.listen
    return Bells(ringing, listening, count)


def tick_bell(settings: Settings, *, webhook_route: str, cron_route: str) -> Ringing | None:
    """Return what begins a tick in a request of its own, where the service knows its address: QStash, or itself."""
    if not settings.worker_url:
        return None
    address = settings.worker_url.rstrip("/")
    if settings.qstash_token:
        return QStashDoorbell(settings.qstash_token.get_secret_value(), settings.qstash_url, address + webhook_route)
    if settings.cron_secret:
        return WebDoorbell(address + cron_route, settings.cron_secret.get_secret_value())
    return None


def seconds_to_ring(budget: float) -> float:
    """Return how much of a tick's time is kept to ring for the next one."""
    return min(_SECONDS_TO_RING, 0.1 * budget)


async def ring_again(
    bell: Ringing | None, left: WorkLeft | None, end: float, chains: int, rung: Callable[[str, bool], None]
) -> bool:
    """Ring for the next tick where work is left, before `end` (of `time.monotonic`); False: nobody heard it.

    Unless so many `chains` of other ticks go on anyway. `rung` is told of the ring.
    """
    if left is None:
        return False  # nobody knows
    soon = left.due is not None and left.due < _SOON
    if left.next_job is None or left.others >= chains or not (soon or left.next_in is not None):
        return True
    if bell is None:
        return False
    if isinstance(bell, WebDoorbell) and not soon:
        return True  # it cannot wait: that is the timer's
    at = None if soon or left.next_in is None else datetime.now(UTC) + timedelta(seconds=left.next_in)
    taken = False
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(end - _SECONDS_TO_ANSWER - time.monotonic()):
            taken = await bell.ring(left.next_job, at)
    rung(bell.name, taken)
    return taken


__all__ = ["configured_bells", "ring_again", "seconds_to_ring", "tick_bell"]
