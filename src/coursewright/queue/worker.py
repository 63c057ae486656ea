"""A worker: admits jobs, leases tasks, carries out steps, and sees to the duties that every worker shares."""

import asyncio
import contextlib
import logging
import os
import secrets
import socket
import time
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import psycopg

from coursewright.db.pool import is_passing, is_unavailable
from coursewright.errors import CallTimedOut, CoursewrightError, InputError, NoUsableReply, SubprocessDied
from coursewright.queue.backoff import backoff
from coursewright.queue.completions import Completions
from coursewright.queue.heartbeat import Heartbeat, Reason
from coursewright.queue.leases import Leases
from coursewright.queue.model import Cancel, Done, Fail, Lease, Outcome, Snooze
from coursewright.queue.watched import watched
from coursewright.settings import WorkerSettings

_log = logging.getLogger(__name__)

_SECONDS_BETWEEN_RESCUES = 0.5
_SECONDS_BETWEEN_DUTIES = 1.0
_SECONDS_TO_GIVE_BACK = 5.0
_SHORTEST_DELAY = 0.05  # what is due but held by others is looked at again so soon

# Words that existing front ends group failures by; any other error's category is its code.
_CATEGORIES = {
    CallTimedOut.code: "api_timeout",
    NoUsableReply.code: "validation_failed",
    SubprocessDied.code: "resource_exhausted",
}

Step = Callable[[Lease], Awaitable[Outcome]]


def worker_name() -> str:
    """Return a name that no other worker has: host, process and a random part (names given by hand repeat)."""
    return f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(3)}"


class Worker:
    """Carries out up to `settings.concurrency` tasks at once until it is told to stop.

    `cycle` is the whole decision and can be called by a test; `run` only adds the waiting. `only_job` confines the
    worker to one job; `listen` is a doorbell's side of the worker; `on_start` is told of each task that is started;
    `duty` is what every worker does beside its tasks, about once a second.
    """

    def __init__(
        self,
        leases: Leases,
        step: Step,
        connect: Callable[[], psycopg.Connection[Any]],
        settings: WorkerSettings,
        *,
        name: str | None = None,
        poll_interval: float = 5.0,
        only_job: UUID | None = None,
        listen: Callable[[Callable[[], None]], Awaitable[None]] | None = None,
        on_start: Callable[[Lease], None] = lambda _: None,
        duty: Callable[[], Awaitable[object]] | None = None,
    ) -> None:
        self.name = name or worker_name()
        self._leases = leases
        self._step = step
        self._connect = connect
        self._settings = settings
        self._poll_interval = poll_interval
        self._only_job = only_job
        self._is_for_all = only_job is None  # and stays until it is stopped
        self._listen = listen
        self._on_start = on_start
        self._duty = duty
        self._running: dict[UUID, asyncio.Task[None]] = {}
        self._reasons: dict[UUID, Reason] = {}
        self._settling: set[asyncio.Task[None]] = set()
        self._wake = asyncio.Event()
        self._stopping = False
        self._completions = Completions(leases)
        self._heartbeat: Heartbeat | None = None
        self._patience = 10.0  # seconds that the end waits for the heartbeat's last statement
        self._next_rescue = 0.0
        self._next_sweep = 0.0

    def wake(self) -> None:
        """Look at the queue now: a doorbell rang or a step ended."""
        self._wake.set()

    def stop(self) -> None:
        """Claim nothing more and let `run` return when the running steps have ended or the grace period is over."""
        self._stopping = True
        self._wake.set()

    @property
    def running(self) -> int:
        """Count the steps under way."""
        return len(self._running)

    @property
    def concurrency(self) -> int:
        """Count the steps that may be under way at once."""
        return self._settings.concurrency

    async def run(self) -> None:
        """Work until `stop`; a database that is away for a while is waited for."""
        loop = asyncio.get_running_loop()

        def on_stop(task_id: UUID, reason: Reason) -> None:
            loop.call_soon_threadsafe(self._interrupt, task_id, reason)

        self._heartbeat = Heartbeat(
            self._connect,
            lease=self._settings.lease_seconds,
            interval=self._settings.heartbeat_seconds,
            control=self._settings.control_seconds,
            on_stop=on_stop,
            patience=self._patience,
        )
        failures = 0
        beside = [asyncio.ensure_future(self._listen(self.wake))] if self._listen else []
        if self._duty:
            beside.append(asyncio.create_task(self._do_duty(self._duty)))
        with self._heartbeat:
            try:
                while not self._stopping:
                    self._wake.clear()
                    try:
                        busy = await self.cycle()
                        delay = 0.0 if busy and self._room else await self._delay()
                        failures = 0
                    except Exception as error:
                        if not is_passing(error):
                            raise
                        delay = backoff(failures, base=0.2, cap=5.0)
                        failures += 1
                        _log.warning("the database does not answer, looking again in %.1f s: %s", delay, error)
                    await self._sleep(delay)
            finally:
                for each in beside:
                    each.cancel()
                await asyncio.gather(*beside, return_exceptions=True)
                await self._drain()
                if self._is_for_all:
                    with contextlib.suppress(Exception):  # else it counts as lost after a while
                        await self._leases.leave(self.name)

    async def run_beside(self, *duties: Callable[[], Awaitable[object]]) -> None:
        """Work until `stop`, and carry out duties that never end meanwhile; one that ends by itself ends the work."""
        beside = [asyncio.ensure_future(duty()) for duty in duties]
        working = asyncio.create_task(self.run())
        try:
            await asyncio.wait([*beside, working], return_when=asyncio.FIRST_COMPLETED)
            for each in beside:
                if each.done() and not each.cancelled():
                    self.stop()
                    each.result()  # it has met a defect: show it
        finally:
            self.stop()
            for each in beside:
                each.cancel()
            await working
            await asyncio.gather(*beside, return_exceptions=True)

    async def _do_duty(self, duty: Callable[[], Awaitable[object]]) -> None:
        """Carry out what every worker does beside its tasks, again and again; what goes wrong is tried again."""
        failures = 0
        while True:
            try:
                await duty()
                failures = 0
            except Exception as error:
                failures += 1
                _log.warning("a duty failed, trying again: %s", error)
            await asyncio.sleep(max(_SECONDS_BETWEEN_DUTIES, backoff(failures, base=0.2, cap=30.0)))

    async def cycle(self) -> bool:
        """Do what is due once: duties, admission, claims. Tell whether anything was admitted or claimed."""
        if time.monotonic() >= self._next_rescue:
            self._next_rescue = time.monotonic() + _SECONDS_BETWEEN_RESCUES
            await self._leases.rescue(self._settings.max_rescues)
        if time.monotonic() >= self._next_sweep:
            self._next_sweep = time.monotonic() + self._settings.lease_seconds
            await self._leases.sweep(self._settings.lease_seconds)
            if self._is_for_all:
                await self._leases.present(self.name, self.concurrency, 3 * self._settings.lease_seconds)
        if not self._room:
            return False
        claimed = await self._claim(self._room)
        for lease in claimed:
            self._start(lease)
        # A new job is begun when the running ones leave room.
        admitted = await self._leases.admit(self.name) if self._room else None
        return bool(claimed) or admitted is not None

    async def _claim(self, room: int) -> list[Lease]:
        return await self._leases.claim(self.name, room, self._settings.lease_seconds, self._only_job)

    @property
    def _room(self) -> int:
        return self.concurrency - len(self._running)

    async def _delay(self) -> float:
        # A lease that another worker takes after this look expires no sooner than that.
        longest = min(self._poll_interval, self._settings.lease_seconds)
        due = await self._leases.next_due(self._only_job) if self._room else None
        return longest if due is None else min(longest, max(due, _SHORTEST_DELAY))

    async def _sleep(self, seconds: float) -> None:
        if seconds > 0 and not self._wake.is_set():
            try:
                async with asyncio.timeout(seconds):
                    await self._wake.wait()
            except TimeoutError:
                pass

    def _start(self, lease: Lease) -> None:
        if self._heartbeat:
            self._heartbeat.add(lease.task_id, lease.attempt)
        self._reasons.pop(lease.task_id, None)
        self._on_start(lease)
        self._running[lease.task_id] = asyncio.create_task(
            watched(lease, lambda: self._carry_out(lease)), name=lease.identifier
        )

    async def _carry_out(self, lease: Lease) -> Outcome | None:
        outcome: Outcome | None = None
        try:
            try:
                outcome = await self._step(lease)
            except asyncio.CancelledError:
                reason = self._reasons.get(lease.task_id)
                outcome = None if reason == "lost" else Cancel() if reason == "cancelled" else self._stopped(lease)
            except Exception as error:
                outcome = _outcome_of(error, lease)
            if outcome is not None:
                # What is done is written down, even when the worker is told to stop in this moment.
                settling = asyncio.create_task(self._settle(lease, outcome))
                self._settling.add(settling)
                settling.add_done_callback(self._settling.discard)
                await asyncio.shield(settling)
        finally:
            if self._heartbeat:
                self._heartbeat.remove(lease.task_id, lease.attempt)
            if self._running.get(lease.task_id) is asyncio.current_task():
                del self._running[lease.task_id]
            self._wake.set()
        return outcome

    def _stopped(self, lease: Lease) -> Outcome:
        """Return what becomes of a step that the worker's own end has cut off."""
        return Snooze(0.0)

    async def _settle(self, lease: Lease, outcome: Outcome) -> None:
        """Write an outcome, again and again while the database is away; the fence makes repeats harmless."""
        for failures in range(60):
            try:
                held = await self._write(lease, outcome)
            except Exception as error:
                if is_passing(error):
                    _log.warning("outcome of %s not written yet: %s", lease.identifier, error)
                    await asyncio.sleep(backoff(failures, base=0.2, cap=5.0))
                    continue
                _log.exception("outcome of %s cannot be stored", lease.identifier)
                if isinstance(outcome, Fail):
                    return  # the lease expires, and the task is rescued
                outcome = Fail(f"The result cannot be stored: {error}", category="unexpected_error", recoverable=False)
            else:
                if not held:
                    _log.warning(
                        "lease of %s (attempt %s) was lost; its outcome is dropped", lease.identifier, lease.attempt
                    )
                return

    async def _write(self, lease: Lease, outcome: Outcome) -> bool:
        match outcome:
            case Done():
                return await self._completions.write(lease, outcome)
            case Fail():
                return await self._leases.fail(lease, outcome, backoff(lease.failures))
            case Snooze():
                return await self._leases.release(lease, outcome)
            case Cancel():
                return await self._leases.release(lease)

    def _interrupt(self, task_id: UUID, reason: Reason) -> None:
        running = self._running.get(task_id)
        if running:
            self._reasons[task_id] = reason
            running.cancel()

    async def _drain(self) -> None:
        """Let running steps finish within the grace period, then stop them; their tasks go back at once."""
        running = list(self._running.values())
        if running:
            await asyncio.wait(running, timeout=self._settings.grace_seconds)
            for task in running:
                task.cancel()
            await asyncio.wait([*running, *self._settling], timeout=_SECONDS_TO_GIVE_BACK)
            if self._settling:  # what was cut off is given back in these
                await asyncio.wait(list(self._settling), timeout=_SECONDS_TO_GIVE_BACK)


def _outcome_of(error: Exception, lease: Lease) -> Outcome:
    """Return what a step's exception means: a failure, or, when the database is away, nothing but a delay."""
    if isinstance(error, CoursewrightError) and not is_unavailable(error):
        return _failure(error, recoverable=not isinstance(error, InputError))
    if is_unavailable(error):
        _log.warning("step %s gives its task back, the database is away: %s", lease.identifier, error)
        return Snooze(1.0)
    _log.error("step %s raised", lease.identifier, exc_info=error)
    return Fail(f"{type(error).__name__}: {error}", category="unexpected_error", severity="high")


def _failure(error: CoursewrightError, *, recoverable: bool) -> Fail:
    hints = (error.hint,) if error.hint else ()
    category = _CATEGORIES.get(error.code, error.code)
    return Fail(error.detail, category=category, recoverable=recoverable, suggestions=hints)
