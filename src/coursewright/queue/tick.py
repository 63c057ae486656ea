"""A tick: one time-boxed pass over the queue, for hosts that end a request after 10, 60 or 300 seconds.

A step is started when steps of its kind usually fit the rest of the time. One that still runs at the end is cut off and
its lease given back, so that the next tick, or any worker, begins it at once.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

import psycopg

from coursewright.db.pool import is_passing
from coursewright.queue.leases import Leases, WorkLeft
from coursewright.queue.model import Done, Fail, Lease, Outcome, Snooze
from coursewright.queue.worker import Step, Worker
from coursewright.settings import WorkerSettings

_log = logging.getLogger(__name__)

_MOST_WHOLE = 2  # whole ticks that a step may use up; each may have paid for a call in vain
_SHARE_TO_END = 0.04  # of the budget: to give back what was cut off, and to answer
_SHARE_TO_BEGIN = 0.2  # a step that is started so early has all the time that a tick can give
_SHARE_OF_UNKNOWN = 0.5  # of the budget, for a step of a kind that nobody has seen yet
_LEAST_TO_END, _MOST_TO_END = 0.3, 3.0
_SECONDS_OF_AN_ESTIMATE = 2.0
_SECONDS_BETWEEN_DUTIES = 0.5
_WORTH_WAITING = 2.0  # something due so soon is waited for

Duty = Callable[[], Awaitable[object]]


@dataclass(frozen=True, slots=True)
class Ticked:
    """What a tick did: on how many jobs it worked, the steps that it completed and cut off.

    `remaining` counts open tasks and waiting jobs; None: the database did not answer any more.
    `left`: the same with when it is due, and who else is at work. `rung`: False when nobody heard the ring for the next
    tick.
    """

    jobs: int
    completed_tasks: int
    cut: int
    left: WorkLeft | None
    seconds: float
    rung: bool = True

    @property
    def remaining(self) -> int | None:
        return self.left.remaining if self.left else None


class Tick(Worker):
    """Works until nothing is left to do or the time is up. Call `within` once.

    `beside` are duties that are carried out again and again meanwhile (reading documents: steps make some known); what
    is not done when the time is up is cancelled.
    """

    def __init__(
        self,
        leases: Leases,
        step: Step,
        connect: Callable[[], psycopg.Connection[Any]],
        settings: WorkerSettings,
        *,
        budget: float,
        began: float | None = None,
        name: str | None = None,
        beside: Sequence[Duty] = (),
    ) -> None:
        """`budget`: seconds from `began` (of `time.monotonic`; default: now) until the tick has ended in every case."""
        began = time.monotonic() if began is None else began
        to_end = min(_MOST_TO_END, max(_LEAST_TO_END, _SHARE_TO_END * budget))
        short = {"grace_seconds": 0.0, "lease_seconds": min(settings.lease_seconds, max(2.0, budget))}
        super().__init__(
            leases, self._timed(step), connect, settings.model_copy(update=short), name=name, poll_interval=0.5
        )
        self._patience = 0.0
        self._is_for_all = False  # it has a row of its own
        self._began = began
        self._budget = budget
        self._end = began + budget
        self._last_moment = self._end - to_end
        self._beside = beside
        self._over = asyncio.Event()
        self._expected: dict[str, float | None] = {}
        self._expected_at = 0.0
        self._working_since = self._began
        self._jobs: set[UUID] = set()
        self._whole: set[UUID] = set()
        self._started_at: dict[UUID, float] = {}
        self._cut: set[UUID] = set()
        self._counts = {"started": 0, "completed": 0, "cut": 0}

    async def within(self) -> Ticked:
        """Work, and end inside the budget whatever happens: what does not give way in time is left behind."""
        left: WorkLeft | None = None

        async def work() -> None:
            nonlocal left
            self._working_since = time.monotonic()
            tick = await self._leases.begin_tick(self.name, self._budget, max(0.0, self._left))
            at_last_moment = asyncio.get_running_loop().call_later(
                max(0.0, self._last_moment - time.monotonic()), self.stop
            )
            duties = [asyncio.ensure_future(self._again(duty)) for duty in self._beside]
            try:
                await self.run()
                if duties:
                    await asyncio.wait(duties, timeout=max(0.0, self._last_moment - time.monotonic()))
            finally:
                at_last_moment.cancel()
                self._over.set()  # after a defect, too: a duty may take its being cancelled for a failure
                for duty in duties:
                    duty.cancel()
                await asyncio.gather(*duties, return_exceptions=True)
            try:
                left = await self._leases.end_tick(tick, **self._counts)
            except Exception as error:
                if not is_passing(error):
                    raise

        working = asyncio.ensure_future(work())
        try:
            done, _ = await asyncio.wait([working], timeout=max(0.0, self._left - _LEAST_TO_END / 3))
        finally:
            working.cancel()
        if done:
            working.result()
        else:
            _log.warning("the tick is over, and something has not given way; leases expire by themselves")
        return Ticked(
            len(self._jobs),
            self._counts["completed"],
            self._counts["cut"],
            left,
            time.monotonic() - self._began,
        )

    def stop(self) -> None:
        super().stop()
        self._over.set()

    async def _again(self, duty: Duty) -> None:
        """Carry a duty out until the tick's own work is over, and once after it; what goes wrong is tried again."""
        is_last = False
        while not is_last:
            is_last = self._over.is_set()
            try:
                await duty()
            except Exception as error:
                _log.warning("a duty of the tick failed: %s", error)
            if not is_last:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._over.wait(), _SECONDS_BETWEEN_DUTIES)

    async def cycle(self) -> bool:
        """Do what is due once; stop when nothing is under way and nothing comes soon."""
        busy = await super().cycle()
        if not busy and not self.running and not await self._wait_is_worth():
            self.stop()
        return busy

    async def _wait_is_worth(self) -> bool:
        unfit = self._unfit()
        if unfit:  # what is ready does not fit, and less will fit later
            return False
        due = await self._leases.next_due()
        return due is not None and due < min(_WORTH_WAITING, self._last_moment - time.monotonic())

    async def _delay(self) -> float:
        # What is ready and does not fit is due, and yet no reason to look again.
        return self._poll_interval if self._unfit() else await super()._delay()

    @property
    def _left(self) -> float:
        return self._end - time.monotonic()

    async def _claim(self, room: int) -> list[Lease]:
        now = time.monotonic()
        if now >= self._last_moment:
            return []
        if now > self._expected_at + _SECONDS_OF_AN_ESTIMATE:
            self._expected, self._expected_at = await self._leases.expected_seconds(), now
        # No tick offers more time than the first look of this one: what does not fit it is tried now or never.
        first = not self._jobs
        unfit = [] if first else self._unfit()
        claimed = await self._leases.claim(self.name, room, self._settings.lease_seconds, None, unfit)
        if claimed:
            self._jobs |= {lease.job_id for lease in claimed}
            self._counts["started"] += len(claimed)
        if first and now - self._working_since < max(1.0, _SHARE_TO_BEGIN * self._budget):
            self._whole |= {lease.task_id for lease in claimed}
        left = self._last_moment - time.monotonic()
        most = self._last_moment - self._began
        return [replace(lease, seconds_left=left, host_seconds=most) for lease in claimed]

    def _unfit(self) -> list[str]:
        """Name the kinds whose steps do not fit the rest of the time."""
        left = self._last_moment - time.monotonic()
        unknown = _SHARE_OF_UNKNOWN * self._budget
        return [kind for kind, seconds in self._expected.items() if (unknown if seconds is None else seconds) > left]

    def _timed(self, step: Step) -> Step:
        async def timed(lease: Lease) -> Outcome:
            self._started_at[lease.task_id] = time.monotonic()
            return await step(lease)

        return timed

    def _stopped(self, lease: Lease) -> Outcome:
        self._cut.add(lease.task_id)
        return Snooze(0.0)

    async def _write(self, lease: Lease, outcome: Outcome) -> bool:
        if lease.task_id in self._cut and isinstance(outcome, Snooze):
            self._counts["cut"] += 1
            ran = time.monotonic() - self._started_at.get(lease.task_id, time.monotonic())
            return await self._leases.cut(
                lease, ran, whole=lease.task_id in self._whole, most=_MOST_WHOLE, failure=_too_short(lease, ran)
            )
        held = await super()._write(lease, outcome)
        if held and isinstance(outcome, Done):
            self._counts["completed"] += 1
            if outcome.tasks:
                self._expected_at = 0.0  # of kinds, perhaps, that were not there before
        return held


def _too_short(lease: Lease, ran: float) -> Fail:
    return Fail(
        f"This host is too short-lived: {lease.identifier} was cut off after {ran:.0f} s, {_MOST_WHOLE} times.",
        category="host_too_short",
        recoverable=False,
        suggestions=(
            "Run `coursewright worker` on a host without a time limit, or raise the host's limit and the budget of "
            "its ticks, or use a provider with a background mode; then retry the task.",
        ),
    )


__all__ = ["Duty", "Tick", "Ticked"]
