"""What keeps the queue from getting on, and what to do about it: for an operator who is woken at night."""

from collections.abc import Sequence
from dataclasses import dataclass

from coursewright.db.pool import Pool, connected
from coursewright.db.queries import fetch_all, sql
from coursewright.operations import Measure

_LONG = 60.0  # seconds that something ready waits before it is worth a word
_SCARCE_BYTES = 1 << 30
_MOST = 5  # of one kind


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something to see to: what is the matter, and what to do."""

    what: str
    fix: str


@dataclass(frozen=True, slots=True)
class _Found:
    kind: str
    about: str
    detail: str


# By kind of what `troubles.sql` finds: what is the matter, what to do.
_WORDS = {
    "needs_action": ("Job {about} is paused: {detail}", "When that is done: coursewright resume {about}"),
    "breaker": (
        "{about} fails too often and is not asked for a while. Its last error: {detail}",
        "It is asked again by itself. `coursewright models` shows for how long; --fallback names another model.",
    ),
    "poison": (
        "Task {detail} of job {about} has cost too many workers and was given up",
        "Look for the reason in the workers' logs (memory?), then: coursewright resume {about}",
    ),
    "deadly": ("Task {detail} of job {about} keeps losing its workers", "coursewright status {about}"),
    "document": (
        "The document {detail} of knowledge base {about} keeps losing its workers",
        "After six it is given up and the course goes on without it; split it, or remove it.",
    ),
    "waits": ("Job {about} waits: {detail}", "It goes on by itself; coursewright status {about}"),
}


async def troubles(pool: Pool, measures: Sequence[Measure]) -> list[Trouble]:
    """Return what an operator has to see to, worst first. Raises DatabaseUnavailable."""
    async with connected(pool) as connection:
        found = await fetch_all(connection, _Found, sql("coursewright", "troubles"), {})
    ticks = any(each.kind == "last_tick" for each in found)
    told = list(_measured(measures, ticks=ticks))
    for kind, (what, fix) in _WORDS.items():
        of_kind = [each for each in found if each.kind == kind]
        for each in of_kind[:_MOST]:
            words = {"about": each.about, "detail": each.detail.rstrip(".")}
            told.append(Trouble(what.format(**words) + ".", fix.format(**words)))
        if len(of_kind) > _MOST:
            told.append(Trouble(f"And {len(of_kind) - _MOST} more of the same kind.", "coursewright jobs"))
    return told


def _measured(measures: Sequence[Measure], *, ticks: bool) -> "list[Trouble]":
    values = {(each.name, *each.labels): each.value for each in measures}
    told = []
    if values.get(("database_writable",)) == 0:
        told.append(
            Trouble(
                "The database takes no more writes.", "Is its disk full? Make room; all that waits goes on by itself."
            )
        )
    free = values.get(("disk_free_bytes",))
    if free is not None and free < _SCARCE_BYTES:
        told.append(Trouble(f"Only {free / 1e6:,.0f} MB are free where the embedded database is.", "Make room."))
    waiting = values.get(("jobs", "queued"), 0.0)
    open_jobs = waiting + values.get(("jobs", "processing"), 0.0) + values.get(("unread_documents", "queued"), 0.0)
    if open_jobs and not values.get(("workers",)) and not values.get(("ticks_running",)) and not ticks:
        told.append(
            Trouble(
                "There is work, and nobody does it: no worker is running, and no tick came for ten minutes.",
                "Start one: coursewright worker (or `serve`). With ticks: does the timer call, with the right secret?",
            )
        )
    elif values.get(("queue_age_seconds",), 0.0) > _LONG:
        age = values["queue_age_seconds",]
        told.append(
            Trouble(
                f"{waiting:.0f} jobs wait for their turn, the oldest for {age / 60:.0f} minutes.",
                "Add workers (`coursewright worker`), or let more jobs run at once (docs: operating the queue).",
            )
        )
    if values.get(("task_wait_seconds",), 0.0) > _LONG and values.get(("workers",)):
        told.append(
            Trouble(
                f"A ready task has waited for {values['task_wait_seconds',] / 60:.0f} minutes.",
                "The workers are busy: add some, or raise COURSEWRIGHT_WORKER__CONCURRENCY.",
            )
        )
    return told


__all__ = ["Trouble", "troubles"]
