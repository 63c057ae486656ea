"""What the queue promises, as a small pure model: no time, no SQL, no connections.

Time is a fact of the model (`due`, `future`), not a clock. Every method does at once what the database does in one
call; `test_model.py` compares the two after every step.
"""

from dataclasses import dataclass, field
from itertools import count

FINAL = {"completed", "failed", "cancelled"}
UNDONE = {"failed", "skipped", "cancelled"}  # a task that is settled, but not done
OPEN = {"pending", "queued", "running", "retrying"}


@dataclass
class Task:
    dependencies: tuple[str, ...] = ()
    needs: str = "completed"
    decisive: bool = False
    max_retries: int = 1
    status: str = "queued"
    attempt: int = 0
    generation: int = 0
    failures: int = 0
    rescues: int = 0
    held: bool = False
    due: bool = True
    leased: bool = False
    brought: bool = False  # by the plan: done again, the plan says anew whether there is such a task


@dataclass
class Entry:
    priority: int
    seq: int
    status: str = "pending"
    future: bool = False
    ready: bool = False
    scheduled: bool = False
    occupies: bool = False


@dataclass
class Job:
    organisation: int
    status: str = "queued"
    tasks: dict[str, Task] = field(default_factory=dict)
    entries: list[Entry] = field(default_factory=list)

    def settled(self) -> bool:
        return all(task.status not in OPEN | {"cancelled"} for task in self.tasks.values())

    def has_open_tasks(self) -> bool:
        return any(task.status in OPEN for task in self.tasks.values())


class Queue:
    """All jobs, and whose turn it is."""

    def __init__(self) -> None:
        self.jobs: dict[str, Job] = {}
        self.admitted: dict[int, int] = {}
        self.limits: dict[int, int] = {}
        self._seq = count(1)

    # Entries and admission

    def add_job(self, name: str, organisation: int) -> None:
        self.jobs[name] = Job(organisation)

    def add_entry(self, name: str, priority: int, *, future: bool = False) -> None:
        job = self.jobs[name]
        self.limits.setdefault(job.organisation, 20)
        job.entries.append(Entry(priority, next(self._seq), future=future))
        self._touch(job, job.entries[-1])

    def time_comes(self) -> None:
        for job in self.jobs.values():
            for entry in job.entries:
                entry.future = False

    def dequeue(self) -> str | None:
        for job in self.jobs.values():
            for entry in job.entries:
                if entry.scheduled and not entry.future:
                    self._touch(job, entry)
        turns = []
        for organisation, limit in self.limits.items():
            entries = [e for job in self.jobs.values() if job.organisation == organisation for e in job.entries]
            running = sum(entry.occupies for entry in entries)
            if any(entry.ready for entry in entries) and running < limit:
                turns.append((running, self.admitted.get(organisation, 0), organisation))
        if not turns:
            return None
        turn = min(turns)[2]
        _, _, name, entry = min(
            (-entry.priority, entry.seq, name, entry)
            for name, job in self.jobs.items()
            if job.organisation == turn
            for entry in job.entries
            if entry.ready
        )
        entry.status = "processing"
        self.admitted[turn] = next(self._seq)
        self.write_status(name, "processing")
        self._touch(self.jobs[name], entry)
        return name

    def begin(self, name: str) -> None:
        job = self.jobs[name]
        if not job.tasks:
            job.tasks["plan"] = Task(decisive=True)
        elif not job.has_open_tasks():
            failed = {key for key, task in job.tasks.items() if task.status == "failed"}
            if not self.retry(name, failed):
                self._finish(name)

    def sweep(self) -> int:
        orphans = [n for n, j in sorted(self.jobs.items()) if j.status == "queued" and not _open_entries(j)]
        for name in orphans:
            self.add_entry(name, 5)
        stuck = [
            name
            for name, job in self.jobs.items()
            if job.status == "processing"
            and not any(t.status in {"queued", "running", "retrying"} for t in job.tasks.values())
        ]
        for name in stuck:
            job = self.jobs[name]
            if not job.tasks:
                self.begin(name)
                continue
            self._unblock(job)
            if not any(t.status in {"queued", "running", "retrying"} for t in job.tasks.values()):
                for task in job.tasks.values():
                    task.status = "skipped" if task.status == "pending" else task.status
                self._finish(name)
        return len(orphans) + len(stuck)

    # Leases

    def claimable(self) -> list[tuple[str, str]]:
        return [
            (name, key)
            for name, job in self.jobs.items()
            if job.status == "processing"
            for key, task in job.tasks.items()
            if task.status in {"queued", "retrying"} and task.due and not task.held
        ]

    def claim(self, name: str, key: str) -> int:
        task = self.jobs[name].tasks[key]
        task.status, task.leased = "running", True
        task.attempt += 1
        return task.attempt

    def complete(self, name: str, done: list[tuple[str, int]], added: dict[str, Task]) -> set[str]:
        """Complete those of `done` (task, attempt) that are still held; `added` join when the plan is among them."""
        job = self.jobs[name]
        held = {key for key, attempt in done if self._end_lease(job, key, attempt)}
        if not held:
            return held
        for key in held:
            job.tasks[key].status = "completed"
        if "plan" in held:
            for key in [key for key, task in job.tasks.items() if task.brought and key not in added]:
                del job.tasks[key]
            for key, task in added.items():
                known = job.tasks.get(key)
                if known is None:
                    task.brought, task.generation = True, job.tasks["plan"].generation
                    task.status = "cancelled" if job.status in FINAL else "pending" if task.dependencies else "queued"
                    task.held = job.status == "paused"
                    job.tasks[key] = task
                elif known.status in {"pending", "cancelled"}:
                    known.dependencies, known.needs, known.decisive = task.dependencies, task.needs, task.decisive
        self._unblock(job)
        self._advance(name)
        return held

    def fail(self, name: str, key: str, attempt: int, *, recoverable: bool, now: bool) -> bool:
        job = self.jobs[name]
        if not self._end_lease(job, key, attempt):
            return False
        task = job.tasks[key]
        again = recoverable and task.failures < task.max_retries
        task.status = "cancelled" if job.status in FINAL else "retrying" if again else "failed"
        task.failures = min(task.failures + 1, task.max_retries)
        task.held, task.due = job.status == "paused", now
        if task.status == "failed":
            self._unblock(job)
            self._advance(name)
        return True

    def release(self, name: str, key: str, attempt: int, *, now: bool) -> bool:
        job = self.jobs[name]
        if not self._end_lease(job, key, attempt):
            return False
        task = job.tasks[key]
        task.status = "cancelled" if job.status in FINAL else "queued"
        task.held, task.due = job.status == "paused", now
        return True

    def rescue(self, name: str, keys: set[str], max_rescues: int) -> None:
        job = self.jobs[name]
        poisoned = False
        for key in keys:
            task = job.tasks[key]
            task.leased = False
            poison = task.rescues >= max_rescues
            task.status = "cancelled" if job.status in FINAL else "failed" if poison else "queued"
            task.rescues += 1
            task.held, task.due = job.status == "paused", True
            poisoned |= task.status == "failed"
        if poisoned:
            self._unblock(job)
            self._advance(name)

    def tasks_come_due(self) -> None:
        for job in self.jobs.values():
            for task in job.tasks.values():
                task.due = True

    # What users and other programs do

    def write_status(self, name: str, status: str) -> None:
        """Anybody writes a status into the job."""
        job = self.jobs[name]
        if (job.status, status) == ("paused", "processing"):
            status = "queued"
        before, job.status = job.status, status
        if before == status:
            return
        if status in FINAL:
            for task in job.tasks.values():
                if task.status in {"pending", "queued", "retrying"}:
                    task.status = "cancelled"
            for entry in _open_entries(job):
                entry.status = "failed" if status == "failed" else "completed"
                self._touch(job, entry)
            return
        if before in FINAL:
            for task in job.tasks.values():
                if task.status == "cancelled":
                    task.status = "pending"
            self._unblock(job)
        if "paused" in {status, before}:
            for task in job.tasks.values():
                task.held = status == "paused"
        for entry in _open_entries(job):
            if status == "queued" and entry.status == "processing":
                entry.status = "pending"
            self._touch(job, entry)

    def resume(self, name: str) -> None:
        self.write_status(name, "queued")  # admission alone lets jobs begin, so that no limit is exceeded

    def skip(self, name: str, keys: set[str]) -> int:
        job = self.jobs[name]
        skipped = [t for k, t in job.tasks.items() if k in keys and t.status in OPEN and not t.decisive]
        if job.status in FINAL or not skipped:
            return 0
        for task in skipped:
            task.status, task.leased = "skipped", False
        self._unblock(job)
        self._advance(name)
        return len(skipped)

    def retry(self, name: str, keys: set[str]) -> int:
        job = self.jobs[name]
        again = {key for key in keys if job.tasks[key].status not in OPEN}
        if not again:
            return 0
        follow = set(again)
        while more := {
            k
            for k, t in job.tasks.items()
            if k not in follow and (follow & set(t.dependencies) or (t.brought and "plan" in follow))
        }:
            follow |= more
        for key in follow:
            task = job.tasks[key]
            task.status, task.leased, task.failures, task.rescues = "pending", False, 0, 0
            task.generation += key in again
        ended = job.status in FINAL
        if ended:
            self.write_status(name, "queued")
        else:
            self._unblock(job)
        if not job.has_open_tasks():
            self._finish(name)
        elif ended:
            self.add_entry(name, job.entries[-1].priority if job.entries else 5)
        return len(again)

    # What follows

    def _end_lease(self, job: Job, key: str, attempt: int) -> bool:
        task = job.tasks.get(key)
        if task is None or not task.leased or task.attempt != attempt:
            return False
        task.leased = False
        return True

    def _unblock(self, job: Job) -> None:
        changed = True
        while changed:
            changed = False
            for task in job.tasks.values():
                if task.status != "pending":
                    continue  # what is settled may depend on a task that is no longer there
                states = [job.tasks[key].status for key in task.dependencies]
                plan = job.tasks["plan"].status if task.brought else "completed"
                if plan in UNDONE or (task.needs == "completed" and any(state in UNDONE for state in states)):
                    task.status, changed = "skipped", True
                elif plan != "completed":
                    continue
                elif all(state == "completed" or (task.needs == "settled" and state in UNDONE) for state in states):
                    task.status, task.due, task.held, changed = "queued", True, job.status == "paused", True

    def _advance(self, name: str) -> None:
        job = self.jobs[name]
        if job.status in {"processing", "paused"} and job.settled():
            self._finish(name)

    def _finish(self, name: str) -> None:
        job = self.jobs[name]
        lacking = any(task.decisive and task.status != "completed" for task in job.tasks.values())
        self.write_status(name, "failed" if lacking else "completed")

    def _touch(self, job: Job, entry: Entry) -> None:
        waiting = entry.status in {"pending", "queued"} and job.status == "queued"
        entry.scheduled = waiting and entry.future
        entry.ready = waiting and not entry.future
        entry.occupies = entry.status == "processing" and job.status != "paused"


def _open_entries(job: Job) -> list[Entry]:
    return [entry for entry in job.entries if entry.status in {"pending", "queued", "processing"}]
