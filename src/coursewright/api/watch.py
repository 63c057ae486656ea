"""Tells those who watch jobs of every event: one listening connection a process, however many watch.

The bell carries a job's id and nothing else: what happened is read from the numbered events, so a bell that is lost
costs a moment and no event. When the database gives no bells (a transaction pooler), looking suffices.
"""

import asyncio
import contextlib
import logging
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any
from uuid import UUID

import psycopg

from coursewright.db.pool import is_pooled, is_unavailable
from coursewright.queue.jobs import Event

_log = logging.getLogger(__name__)

CHANNEL = "coursewright_events"
_KEPT = 500  # events of a job; who is further behind reads the table
_SECONDS_BETWEEN_LOOKS = 1.0  # while there are no bells
_SECONDS_BETWEEN_CHECKS = 10.0  # while there are

_SECONDS_MARKED = 60.0  # that a job's events ring after somebody has said that they are watched

Read = Callable[[UUID, int], Awaitable[list[Event]]]
Mark = Callable[[UUID, float], Awaitable[None]]


class _Watched:
    """The newest events of a job that somebody watches."""

    def __init__(self, last: int) -> None:
        self.last = last
        self.newest: deque[Event] = deque(maxlen=_KEPT)
        self.changed = asyncio.Event()
        self.due = asyncio.Event()
        self.watchers = 0
        self.reader: asyncio.Task[None] | None = None


class Watch:
    """Hands out the events of jobs.

    `read` returns a job's events above a number, `mark` has them ring for so many seconds, `connect` connects.
    """

    def __init__(self, read: Read, mark: Mark, connect: Callable[[], Awaitable[psycopg.AsyncConnection[Any]]]) -> None:
        self._read = read
        self._mark = mark
        self._connect = connect
        self._watched: dict[UUID, _Watched] = {}
        self._listening = False
        self._closed = False

    def close(self) -> None:
        """End every stream: the server stops, and the watchers connect to another one."""
        self._closed = True
        for watched in self._watched.values():
            watched.changed.set()

    async def run(self) -> None:
        """Listen until cancelled, and connect again when the connection is lost; return when there is a pooler."""
        while True:
            try:
                async with contextlib.AsyncExitStack() as stack:
                    connection = await stack.enter_async_context(await self._connect())
                    if await is_pooled(connection):
                        return  # looking suffices
                    await connection.execute(f"listen {CHANNEL}")
                    self._listening = True
                    self._ring_all()  # for what was missed
                    async for bell in connection.notifies():
                        with contextlib.suppress(ValueError):
                            self.ring(UUID(bell.payload))
            except (psycopg.Error, OSError) as error:
                _log.warning("no bells from the database for a while: %s", error)
            self._listening = False
            await asyncio.sleep(_SECONDS_BETWEEN_LOOKS)

    def ring(self, job_id: UUID) -> None:
        """Look at a job's events now, if anybody watches it."""
        if watched := self._watched.get(job_id):
            watched.due.set()

    async def events(self, job_id: UUID, after: int, patience: float) -> AsyncIterator[Event | None]:
        """Yield every event of a job above a number, in order, without end; None after so many seconds of silence."""
        watched = self._watched.get(job_id)
        if watched is None:
            watched = self._watched[job_id] = _Watched(after)
            watched.reader = asyncio.create_task(self._keep_reading(job_id, watched))
        watched.watchers += 1
        try:
            while not self._closed:
                changed = watched.changed
                for event in await self._above(job_id, watched, after):
                    after = event.number
                    yield event
                if after >= watched.last:
                    try:
                        async with asyncio.timeout(patience):
                            await changed.wait()
                    except TimeoutError:
                        yield None
        finally:
            watched.watchers -= 1
            if not watched.watchers:
                self._watched.pop(job_id, None)
                if watched.reader:
                    watched.reader.cancel()

    async def _above(self, job_id: UUID, watched: _Watched, after: int) -> list[Event]:
        if after >= watched.last and watched.newest:
            return []
        if watched.newest and watched.newest[0].number <= after + 1:
            return [event for event in watched.newest if event.number > after]
        return await self._read(job_id, after)

    async def _keep_reading(self, job_id: UUID, watched: _Watched) -> None:
        marked = 0.0
        while True:
            watched.due.clear()
            wait = _SECONDS_BETWEEN_CHECKS if self._listening else _SECONDS_BETWEEN_LOOKS
            try:
                if self._listening and time.monotonic() > marked:
                    await self._mark(job_id, _SECONDS_MARKED)
                    if not marked:
                        wait = _SECONDS_BETWEEN_LOOKS  # for what was under way, and did not see the mark
                    marked = time.monotonic() + _SECONDS_MARKED / 2
                fresh = await self._read(job_id, watched.last)
            except Exception as error:
                _log.warning("events of %s could not be read: %s", job_id, error, exc_info=not is_unavailable(error))
                fresh = []
            if fresh:
                watched.newest.extend(fresh)
                watched.last = fresh[-1].number
                watched.changed.set()
                watched.changed = asyncio.Event()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait):
                    await watched.due.wait()

    def _ring_all(self) -> None:
        for watched in self._watched.values():
            watched.due.set()


__all__ = ["CHANNEL", "Watch"]
