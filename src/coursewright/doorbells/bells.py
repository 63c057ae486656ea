"""All doorbells of an installation as one: rung after a job was enqueued, heard by workers."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID


class Ringing(Protocol):
    """The side of whoever enqueues. Never raises of itself."""

    async def ring(self, job_id: UUID, at: datetime | None = None) -> None: ...


Listen = Callable[[Callable[[], None]], Awaitable[None]]


class Bells:
    """Rings those that are configured, and listens to all that can be heard here."""

    def __init__(self, ringing: Sequence[Ringing], listening: Sequence[Listen]) -> None:
        self._ringing = ringing
        self._listening = listening

    async def ring(self, job_id: UUID, at: datetime | None = None) -> None:
        """Tell that a job was enqueued, for now or for a time."""
        if self._ringing:
            await asyncio.gather(*(each.ring(job_id, at) for each in self._ringing))

    async def listen(self, wake: Callable[[], None]) -> None:
        """Call `wake` whenever one of them rings, until cancelled."""
        async with asyncio.TaskGroup() as group:
            for listen in self._listening:
                group.create_task(_forever(listen, wake))


async def _forever(listen: Listen, wake: Callable[[], None]) -> None:
    await listen(wake)


__all__ = ["Bells", "Listen", "Ringing"]
