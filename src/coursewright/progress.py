"""How far things are: what was read, what a job makes now, how long it will take, and what it waits for."""

import logging
import time
from dataclasses import dataclass
from uuid import UUID

import psycopg

from coursewright.course.quality import LeftOut, ReadingWarning
from coursewright.db.pool import Pool
from coursewright.errors import DatabaseUnavailable
from coursewright.llm.limits import model_states
from coursewright.queue import Job, JobQueue, JobStatus, RunningTask

_log = logging.getLogger(__name__)

_SECONDS_BETWEEN_LOOKS = 2.0  # at models in trouble


@dataclass(frozen=True, slots=True)
class KnowledgeBase:
    """What was read: documents and passages, what was left out with the reason, and what was not read whole."""

    id: UUID
    documents: int
    passages: int
    left_out: tuple[LeftOut, ...]
    warnings: tuple[ReadingWarning, ...]


@dataclass(frozen=True, slots=True)
class Reading:
    """Progress of reading: documents done of all, passages so far."""

    done: int
    total: int
    passages: int
    name: str


@dataclass(frozen=True, slots=True)
class Making:
    """What a running task makes: its kind, and the titles of the lesson and the section it belongs to, if any."""

    kind: str
    lesson: str
    section: str


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a job is. `running` holds what is being made now; `eta_seconds` is a guess from the pace so far.

    `waits` says, while nothing runs, what is waited for and which models are in trouble.
    """

    job: Job
    running: tuple[Making, ...]
    eta_seconds: float | None
    waits: str = ""

    @property
    def settled(self) -> int:
        """Count the tasks that nothing more happens to."""
        return self.job.completed_tasks + self.job.failed_tasks + self.job.skipped_tasks


class Watcher:
    """Looks at jobs."""

    def __init__(self, pool: Pool, jobs: JobQueue) -> None:
        self._pool = pool
        self._jobs = jobs
        self._look_again = 0.0
        self._trouble = ""

    async def look(self, job_id: UUID) -> Progress:
        """Return how far a job is. Raises NotFound."""
        job = await self._jobs.get(job_id)
        now = tuple(_label(each) for each in await self._jobs.running(job_id))
        settled = job.completed_tasks + job.failed_tasks + job.skipped_tasks
        eta = None
        # The first tasks are of another kind: the pace of the rest shows after a tenth.
        if job.started_at and settled > max(5, job.total_tasks / 10) and not job.status.is_final:
            elapsed = (job.updated_at - job.started_at).total_seconds()
            eta = elapsed / settled * (job.total_tasks - settled)
        return Progress(job, now, eta, "" if now or job.status != JobStatus.PROCESSING else await self._waits(job_id))

    async def model_changed(self, job_id: UUID, failing: str, instead: str) -> None:
        """Tell in a job's story that another model is asked; what cannot be told is no reason not to ask."""
        try:
            await self._jobs.tell(job_id, "model_changed", {"from": failing, "to": instead}, "to")
        except (DatabaseUnavailable, psycopg.Error) as error:
            _log.warning("the story of the job lacks a change of the model: %s", error)

    async def _waits(self, job_id: UUID) -> str:
        """Say what is waited for, and which models are not asked at the moment; looked at every few seconds."""
        if time.monotonic() > self._look_again:
            self._look_again = time.monotonic() + _SECONDS_BETWEEN_LOOKS
            found = []  # models first: a line may be cut off at its end
            for state in await model_states(self._pool):
                if state.breaker != "closed":
                    found.append(f"{state.model} fails too often: {(state.last_error or '').replace('_', ' ')}")
                elif state.blocked_until:
                    found.append(f"{state.model} takes no more before {state.blocked_until.astimezone():%H:%M:%S}")
            found += [f"up to {each.seconds:.0f} s: {each.because}" for each in await self._jobs.waiting(job_id)]
            self._trouble = "; ".join(found)
        return self._trouble


def _label(task: RunningTask) -> Making:
    return Making(task.task_type, task.lesson_title or "", task.section_title or "")


__all__ = ["KnowledgeBase", "Making", "Progress", "Reading", "Watcher"]
