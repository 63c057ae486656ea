"""The words of the queue: states, rows, task specifications, and the outcomes of a step."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal
from uuid import UUID


class JobStatus(StrEnum):
    QUEUED = "queued"
    PROCESSING = "processing"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    PAUSED = "paused"

    @property
    def is_final(self) -> bool:
        """Tell whether nothing more happens to the job by itself."""
        return self in {JobStatus.COMPLETED, JobStatus.FAILED, JobStatus.CANCELLED}


class EntryStatus(StrEnum):
    """States of a queue entry; here `pending` means ready (or scheduled)."""

    PENDING = "pending"
    QUEUED = "queued"
    PROCESSING = "processing"
    COMPLETED = "completed"
    FAILED = "failed"


class TaskStatus(StrEnum):
    """States of a task; here `pending` means that it waits for others."""

    PENDING = "pending"
    QUEUED = "queued"
    RUNNING = "running"
    RETRYING = "retrying"
    COMPLETED = "completed"
    FAILED = "failed"
    SKIPPED = "skipped"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Job:
    """What a user asked for, and how far it is."""

    id: UUID
    organisation_id: UUID | None
    user_id: UUID | None
    base_class_id: UUID | None
    job_type: str
    status: JobStatus
    progress_percentage: int
    job_data: dict[str, Any]
    result_data: dict[str, Any] | None
    error_message: str | None
    total_tasks: int
    completed_tasks: int
    failed_tasks: int
    skipped_tasks: int
    event_count: int
    created_at: datetime
    started_at: datetime | None
    completed_at: datetime | None
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Task:
    """One leasable unit of a job, as its row says."""

    id: UUID
    job_id: UUID
    task_identifier: str
    task_type: str
    status: TaskStatus
    dependencies: list[str]
    lesson_id: str | None
    path_id: str | None
    section_index: int | None
    section_title: str | None
    attempt: int
    generation: int
    rescues: int
    current_retry_count: int
    max_retry_count: int
    input_data: dict[str, Any]
    output_data: dict[str, Any] | None
    result_metadata: dict[str, Any] | None
    error_message: str | None
    error_category: str | None
    recovery_suggestions: list[str] | None
    started_at: datetime | None
    completed_at: datetime | None
    actual_duration_seconds: float | None


@dataclass(frozen=True, slots=True)
class Lease:
    """A claimed task: the right to complete it as long as `attempt` is its newest, and all that its step needs."""

    task_id: UUID
    job_id: UUID
    attempt: int
    identifier: str
    type: str
    generation: int
    dependencies: list[str]
    lesson_id: str | None
    path_id: str | None
    section_index: int | None
    input: dict[str, Any]
    failures: int
    organisation_id: UUID | None
    base_class_id: UUID | None
    job_type: str
    request: dict[str, Any]
    seconds_left: float | None = None  # that the host lets this attempt run, from its start; None: as long as it takes
    host_seconds: float | None = None  # that it lets any attempt run


@dataclass(frozen=True, slots=True)
class TaskSpec:
    """A task to be created. `needs`: its dependencies must all be `completed`, or merely `settled` (also failed).

    A job fails when a `decisive` task does not complete. `deadline_seconds` bounds one attempt, for good.
    """

    identifier: str
    type: str
    dependencies: tuple[str, ...] = ()
    priority: int = 0
    lesson_id: str | None = None
    path_id: str | None = None
    section_index: int | None = None
    section_title: str | None = None
    max_retries: int = 3
    input: Mapping[str, Any] = field(default_factory=dict)
    decisive: bool = False
    needs: Literal["completed", "settled"] = "completed"
    deadline_seconds: float = 900


@dataclass(frozen=True, slots=True)
class Done:
    """The step succeeded. `tasks` join the job in the same transaction; `result` is merged into the job's result."""

    output: Mapping[str, Any]
    metadata: Mapping[str, Any] | None = None
    tasks: tuple[TaskSpec, ...] = ()
    result: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Snooze:
    """Not now: again after `seconds`, or when the call `waits_for` settles. No failure.

    `because` is told in the job's story, where the wait is worth a word.
    """

    seconds: float
    waits_for: UUID | None = None
    because: str | None = None


@dataclass(frozen=True, slots=True)
class Fail:
    """The step failed: retried with backoff while tries are left and `recoverable`, else the task fails alone."""

    message: str
    category: str = "step_failed"
    recoverable: bool = True
    severity: Literal["low", "medium", "high", "critical"] = "medium"
    details: Mapping[str, Any] | None = None
    suggestions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Cancel:
    """The step stopped because its job was cancelled."""


Outcome = Done | Snooze | Fail | Cancel

__all__ = [
    "Cancel",
    "Done",
    "EntryStatus",
    "Fail",
    "Job",
    "JobStatus",
    "Lease",
    "Outcome",
    "Snooze",
    "Task",
    "TaskSpec",
    "TaskStatus",
]
