"""Writes completions together: a commit and a job's lock let one transaction through at a time, so results that arrive
while another batch is being written share the next one.
"""

import asyncio
from collections.abc import Coroutine
from itertools import groupby

import psycopg

from coursewright.queue.leases import Leases
from coursewright.queue.model import Done, Lease

_MOST = 50  # results in one transaction

_Result = tuple[Lease, Done, "asyncio.Future[bool]"]


class Completions:
    """Combines the results of tasks that end at about the same time."""

    def __init__(self, leases: Leases) -> None:
        self._leases = leases
        self._waiting: list[_Result] = []
        self._writing = False
        self._tasks: set[asyncio.Task[None]] = set()

    async def write(self, lease: Lease, done: Done) -> bool:
        """Record a result; `False` means that the lease was lost. Raises what `Leases.complete` raises."""
        future: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._waiting.append((lease, done, future))
        if not self._writing:
            self._writing = True
            self._start(self._write_all())
        return await future

    async def _write_all(self) -> None:
        try:
            while self._waiting:
                await asyncio.sleep(0)  # those that end in the same turn of the event loop come along
                batch, self._waiting = self._waiting[:_MOST], self._waiting[_MOST:]
                for held_up in await self._write(batch, wait=False):
                    self._start(self._write_job(held_up))
        finally:
            self._writing = False

    async def _write_job(self, batch: list[_Result]) -> None:
        await self._write(batch, wait=True)

    async def _write(self, batch: list[_Result], *, wait: bool) -> list[list[_Result]]:
        """Write a batch and return, job by job, what has to wait for others."""
        try:
            held = await self._leases.complete_all([(lease, done) for lease, done, _ in batch], wait=wait)
        except Exception as error:
            if len(batch) > 1 and isinstance(error, (psycopg.DataError, psycopg.IntegrityError, TypeError, ValueError)):
                return [[each] for each in batch]  # one of them cannot be stored: it alone fails
            for _, _, future in batch:
                if not future.done():
                    future.set_exception(error)
            return []
        left = []
        for each in batch:
            lease, _, future = each
            if lease.task_id not in held and not wait:
                left.append(each)
            elif not future.done():
                future.set_result(held.get(lease.task_id, False))
        left.sort(key=lambda each: each[0].job_id)
        return [list(of_job) for _, of_job in groupby(left, key=lambda each: each[0].job_id)]

    def _start(self, writing: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(writing)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
