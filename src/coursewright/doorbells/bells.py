"""All doorbells of an installation as one: rung after a job was enqueued, heard by workers."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

_MOST_SECONDS = 0.5  # that whoever enqueues waits for


class Ringing(Protocol):
    """The side of whoever enqueues. Never raises of itself; tells whether the ring was taken."""

    name: str

    async def ring(self, job_id: UUID, at: datetime | None = None) -> bool: ...


Listen = Callable[[Callable[[], None]], Awaitable[None]]
Count = Callable[[str, str, str], None]


class Bells:
    """Rings those that are configured, and listens to all that can be heard here, each under its name.

    `count` is told of each ring: the name of a counter, of the bell, and what became of the ring.
    """

    def __init__(self, ringing: Sequence[Ringing], listening: Mapping[str, Listen], count: Count) -> None:
        self._ringing = ringing
        self._listening = listening
        self._count = count
        self._under_way: set[asyncio.Task[None]] = set()

    async def ring(self, job_id: UUID, at: datetime | None = None) -> None:
        """Tell that a job was enqueued, for now or for a time. A bell that hangs goes on ringing by itself."""
        ringing = {asyncio.create_task(self._ring(each, job_id, at)) for each in self._ringing}
        self._under_way |= ringing
        for each in ringing:
            each.add_done_callback(self._under_way.discard)
        if ringing:
            await asyncio.wait(ringing, timeout=_MOST_SECONDS)

    async def _ring(self, bell: Ringing, job_id: UUID, at: datetime | None) -> None:
        self.rung(bell.name, await bell.ring(job_id, at))

    def rung(self, name: str, taken: bool) -> None:
        """Count a ring."""
        self._count("doorbell_rings_total", name, "rung" if taken else "failed")

    async def listen(self, wake: Callable[[], None]) -> None:
        """Call `wake` whenever one of them rings, until cancelled."""
        async with asyncio.TaskGroup() as group:
            for name, listen in self._listening.items():
                group.create_task(self._hear(name, listen, wake))

    async def _hear(self, name: str, listen: Listen, wake: Callable[[], None]) -> None:
        def heard() -> None:
            self._count("doorbell_rings_total", name, "heard")
            wake()

        await listen(heard)


__all__ = ["Bells", "Count", "Listen", "Ringing"]
