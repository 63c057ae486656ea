"""What says "look at the queue". A doorbell is no queue: ringing late, twice or never costs time, not correctness."""

from collections.abc import Callable
from typing import Protocol

from coursewright.doorbells.notify import NotifyDoorbell


class Doorbell(Protocol):
    """The side of a worker; whoever enqueues rings (for NOTIFY, the database does)."""

    async def listen(self, wake: Callable[[], None]) -> None:
        """Call `wake` whenever the bell rings or may have rung unheard, until cancelled. Never raises of itself."""
        ...


__all__ = ["Doorbell", "NotifyDoorbell"]
