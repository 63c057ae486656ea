"""Durable jobs on Postgres: admission, tasks, leases with a fence, rescue. Knows nothing of courses."""

from coursewright.queue.jobs import JobQueue, RunningTask
from coursewright.queue.model import (
    Cancel,
    Done,
    EntryStatus,
    Fail,
    Job,
    JobStatus,
    Lease,
    Outcome,
    Snooze,
    Task,
    TaskSpec,
    TaskStatus,
)
from coursewright.queue.worker import Step, Worker

__all__ = [
    "Cancel",
    "Done",
    "EntryStatus",
    "Fail",
    "Job",
    "JobQueue",
    "JobStatus",
    "Lease",
    "Outcome",
    "RunningTask",
    "Snooze",
    "Step",
    "Task",
    "TaskSpec",
    "TaskStatus",
    "Worker",
]
