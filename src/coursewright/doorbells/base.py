"""What a doorbell is to a worker."""

from collections.abc import Callable
from typing import Protocol


class Doorbell(Protocol):
    """The side of a worker; whoever enqueues rings (for NOTIFY, the database does)."""

    async def listen(self, wake: Callable[[], None]) -> None:
        """Call `wake` whenever the bell rings or may have rung unheard, until cancelled. Never raises of itself."""
        ...


__all__ = ["Doorbell"]
