"""A state machine drives the real queue and its model (`model.py`) through the same steps and compares them after each.

Foreign writes, stale owners, expired leases and passing time are steps like all others; time moves inside the database.
"""

from typing import Any
from uuid import UUID

import psycopg
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test
from psycopg.types.json import Jsonb

from coursewright.db.pool import connect_sync
from coursewright.db.queries import sql
from tests.integration.queue.model import FINAL, Queue, Task

PLAN = {"identifier": "plan", "type": "outline_generation", "decisive": True}
GRAPH: dict[str, tuple[tuple[str, ...], str, bool]] = {
    "a": ((), "completed", False),
    "b": ((), "completed", False),
    "after-a": (("a",), "completed", False),
    "after-after-a": (("after-a",), "completed", False),
    "quiz": (("a", "b"), "settled", False),
    "end": (("after-after-a", "quiz"), "settled", True),
}
SPEC = {
    "dependencies": [], "priority": 0, "lesson_id": None, "path_id": None, "section_index": None,
    "section_title": None, "max_retries": 1, "input": {}, "decisive": False,
    "needs": "completed", "deadline_seconds": 900,
}  # fmt: skip
FIRST = {"generate_course_v2": [SPEC | PLAN]}
# What a plan that is done again says in its place: one task less, one more, and one that follows something else.
OTHER_GRAPH = {key: value for key, value in GRAPH.items() if key != "b"} | {
    "c": ((), "completed", False),
    "quiz": (("a", "c"), "settled", False),
}
MAX_RESCUES = 1
STATUSES = ["queued", "processing", "completed", "failed", "cancelled", "paused"]
LATER = 3600.0


class QueueMachine(RuleBasedStateMachine):
    """Every rule calls the database and the model, and compares what they answer."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        super().__init__()
        self.db = connection
        self.model = Queue()
        self.leases: list[tuple[str, str, int]] = []  # all that were ever given out: most of them are stale
        self.progress: dict[str, int] = {}
        self.db.execute("truncate course_generation_jobs, coursewright.rotation, coursewright.leases cascade")

    def ask(self, query: str, *parameters: object) -> Any:
        cursor = self.db.execute(query.encode(), parameters)
        row = cursor.fetchone() if cursor.description else None
        return row[0] if row else None

    def call(self, name: str, **parameters: object) -> Any:
        row = self.db.execute(sql("coursewright.queue", name), parameters).fetchone()
        return row[0] if row else None

    def id_of(self, name: str, key: str) -> UUID:
        found: UUID = self.ask(
            "select id from course_generation_tasks where job_id = %s and task_identifier = %s", UUID(name), key
        )
        return found

    def pick(self, data: st.DataObject) -> str:
        return data.draw(st.sampled_from(list(self.model.jobs)), label="job")

    def pick_tasks(self, data: st.DataObject, name: str) -> set[str]:
        keys = list(self.model.jobs[name].tasks)
        return data.draw(st.sets(st.sampled_from(keys), min_size=1, max_size=3) if keys else st.just(set()))

    has_jobs = precondition(lambda self: self.model.jobs)
    has_leases = precondition(lambda self: self.leases)

    # Entries and admission

    @precondition(lambda self: len(self.model.jobs) < 6)
    @rule(organisation=st.integers(1, 3), priority=st.integers(0, 2), future=st.booleans())
    def enqueue(self, organisation: int, priority: int, future: bool) -> None:
        when = self.ask("select clock_timestamp() + interval '1 h'") if future else None
        name = str(
            self.call(
                "enqueue", organisation_id=UUID(int=organisation), user_id=None, base_class_id=None,
                job_type="generate_course_v2", job_data=Jsonb({}), priority=priority, scheduled_for=when,
            )
        )  # fmt: skip
        self.model.add_job(name, organisation)
        self.model.add_entry(name, priority, future=future)

    @precondition(lambda self: len(self.model.jobs) < 6)
    @rule(organisation=st.integers(1, 3), entries=st.integers(0, 2))
    def another_program_inserts(self, organisation: int, entries: int) -> None:
        job_id = self.ask(
            "insert into course_generation_jobs (organisation_id) values (%s) returning id", UUID(int=organisation)
        )
        self.model.add_job(str(job_id), organisation)
        for _ in range(entries):
            self.ask("insert into course_generation_queue (job_id, status) values (%s, 'queued')", job_id)
            self.model.add_entry(str(job_id), 5)
            self.model.jobs[str(job_id)].entries[-1].status = "queued"

    @rule()
    def time_comes(self) -> None:
        self.ask("alter table course_generation_queue disable trigger user")
        self.ask("update course_generation_queue set scheduled_for = now() where scheduled_for is not null")
        self.ask("alter table course_generation_queue enable trigger user")
        self.model.time_comes()

    @rule()
    def admit(self) -> None:
        got = self.call("admit", worker="w", first_tasks=Jsonb(FIRST), expected=5)
        wanted = self.model.dequeue()
        assert got == wanted
        if wanted:
            self.model.begin(wanted)

    @rule()
    def another_program_admits(self) -> None:
        got = self.ask("select dequeue_course_job('worker-1') ->> 'job_id'")
        assert got == self.model.dequeue()

    @rule(organisation=st.integers(1, 3), limit=st.integers(0, 2))
    def set_limit(self, organisation: int, limit: int) -> None:
        if organisation in self.model.limits:
            self.ask(
                "update coursewright.rotation set max_running = %s where organisation_id = %s",
                limit, UUID(int=organisation),
            )  # fmt: skip
            self.model.limits[organisation] = limit

    @rule()
    def sweep(self) -> None:
        got = self.call("sweep", first_tasks=Jsonb(FIRST), expected=5, silence=-LATER)
        assert got == self.model.sweep()

    @has_jobs
    @rule(data=st.data(), priority=st.integers(0, 9))
    def another_program_changes_the_priority(self, data: st.DataObject, priority: int) -> None:
        name = self.pick(data)
        self.ask("update course_generation_queue set priority = %s where job_id = %s", priority, UUID(name))
        job = self.model.jobs[name]
        for entry in job.entries:
            entry.priority = priority
            self.model._touch(job, entry)

    @has_jobs
    @rule(data=st.data())
    def another_program_deletes(self, data: st.DataObject) -> None:
        name = self.pick(data)
        self.ask("delete from course_generation_jobs where id = %s", UUID(name))
        del self.model.jobs[name]
        self.leases = [lease for lease in self.leases if lease[0] != name]

    # Leases

    @rule(room=st.integers(1, 5))
    def claim(self, room: int) -> None:
        claimable = self.model.claimable()
        rows = self.db.execute(
            sql("coursewright.queue", "claim"),
            {"worker": "w", "room": room, "lease": 60.0, "only_job": None, "unfit": []},
        ).fetchall()
        assert len(rows) == min(room, len(claimable))
        for row in rows:
            name, attempt, key = str(row[1]), row[2], row[3]
            assert (name, key) in claimable
            assert self.model.claim(name, key) == attempt
            self.leases.append((name, key, attempt))

    @has_leases
    @rule(data=st.data(), also=st.booleans())
    def complete(self, data: st.DataObject, also: bool) -> None:
        name, key, attempt = data.draw(st.sampled_from(self.leases))
        done = {key: attempt}
        if also:  # several of one job at once
            done |= {k: a for n, k, a in self.leases if n == name}
        self._complete(name, done)

    def _complete(self, name: str, done: dict[str, int]) -> None:
        graph = OTHER_GRAPH if self.model.jobs[name].tasks["plan"].generation % 2 else GRAPH
        specs = [
            SPEC | {"identifier": key, "type": "t", "dependencies": list(deps), "needs": needs, "decisive": decisive}
            for key, (deps, needs, decisive) in graph.items()
        ]
        ids = {key: self.id_of(name, key) for key in done}
        rows = [
            {"job": name, "task": str(ids[k]), "attempt": a, "output": {}, "metadata": None,
             "tasks": specs if k == "plan" else None, "result": {"k": 1}}
            for k, a in done.items()
        ]  # fmt: skip
        parameters = {"done": Jsonb(rows), "wait": False}
        answer = self.db.execute(sql("coursewright.queue", "complete"), parameters).fetchall()
        added = {key: Task(deps, needs, decisive) for key, (deps, needs, decisive) in graph.items()}
        held = self.model.complete(name, list(done.items()), added)
        assert {row[0] for row in answer if row[1]} == {ids[key] for key in held}
        self.leases = [lease for lease in self.leases if lease[0] != name or lease[1] in self.model.jobs[name].tasks]

    @rule(room=st.integers(1, 5), finish=st.integers(0, 5))
    def a_worker_cycles(self, room: int, finish: int) -> None:
        """Steps of a common kind in a row, so that the rare ones meet jobs that are under way."""
        self.admit()
        before = len(self.leases)
        self.claim(room)
        for name, key, attempt in self.leases[before:][:finish]:
            self._complete(name, {key: attempt})

    @has_leases
    @rule(data=st.data(), recoverable=st.booleans(), now=st.booleans())
    def fail(self, data: st.DataObject, recoverable: bool, now: bool) -> None:
        name, key, attempt = data.draw(st.sampled_from(self.leases))
        got = self.call(
            "fail", task_id=self.id_of(name, key), attempt=attempt, retry_in=0.0 if now else LATER, category="c",
            message="m", details=None, severity="low", recoverable=recoverable, suggestions=[],
        )  # fmt: skip
        assert got == self.model.fail(name, key, attempt, recoverable=recoverable, now=now)

    @has_leases
    @rule(data=st.data(), now=st.booleans())
    def release(self, data: st.DataObject, now: bool) -> None:
        name, key, attempt = data.draw(st.sampled_from(self.leases))
        seconds = 0.0 if now else LATER
        got = self.call(
            "release",
            task_id=self.id_of(name, key),
            attempt=attempt,
            seconds=seconds,
            waits_for=UUID(int=7),
            because="it has to",
        )
        assert got == self.model.release(name, key, attempt, now=now)

    @has_leases
    @rule(now=st.booleans())
    def call_settles(self, now: bool) -> None:
        if now:
            self.call("wake", call=UUID(int=7))
        self.ask("update course_generation_tasks set run_at = clock_timestamp()")
        self.model.tasks_come_due()

    @has_leases
    @rule(data=st.data())
    def heartbeat(self, data: st.DataObject) -> None:
        name, key, attempt = data.draw(st.sampled_from(self.leases))
        task = self.model.jobs[name].tasks[key]
        mine = {"task_ids": [self.id_of(name, key)], "attempts": [attempt], "lease": 60.0}
        held = self.db.execute(sql("coursewright.queue", "heartbeat"), mine).fetchall()
        assert bool(held) == (task.leased and task.attempt == attempt)
        control = self.db.execute(sql("coursewright.queue", "control"), mine).fetchall()
        assert [row[1] for row in control] == [self.model.jobs[name].status in FINAL] * len(held)

    @has_leases
    @rule(data=st.data())
    def leases_expire(self, data: st.DataObject) -> None:
        dead = data.draw(st.sets(st.sampled_from(sorted({(n, k) for n, k, _ in self.leases})), max_size=4))
        lost: dict[str, set[str]] = {}
        for name, key in dead:
            self.ask("update coursewright.leases set expires_at = now() where task_id = %s", self.id_of(name, key))
            if self.model.jobs[name].tasks[key].leased:
                lost.setdefault(name, set()).add(key)
        assert self.call("rescue", max_rescues=MAX_RESCUES) == sum(len(keys) for keys in lost.values())
        self.ask("update course_generation_tasks set run_at = clock_timestamp() where rescues > 0")
        for name in sorted(lost):
            self.model.rescue(name, lost[name], MAX_RESCUES)
        for job in self.model.jobs.values():
            for task in job.tasks.values():
                task.due = task.due or task.rescues > 0

    # Users and other programs

    @has_jobs
    @rule(data=st.data(), status=st.sampled_from(STATUSES))
    def another_program_writes_a_status(self, data: st.DataObject, status: str) -> None:
        name = self.pick(data)
        self.ask("update course_generation_jobs set status = %s where id = %s", status, UUID(name))
        if status != self.model.jobs[name].status and self.model.jobs[name].status in FINAL:
            self.progress.pop(name, None)
        self.model.write_status(name, status)

    @has_jobs
    @rule(data=st.data())
    def pause(self, data: st.DataObject) -> None:
        name = self.pick(data)
        allowed = ["queued", "processing"]
        if self.call("set_status", job_id=UUID(name), status="paused", allowed=allowed, because=None):
            self.model.write_status(name, "paused")

    @has_jobs
    @rule(data=st.data())
    def resume(self, data: st.DataObject) -> None:
        name = self.pick(data)
        resumed = self.call("resume", job_id=UUID(name)) is not None
        assert resumed == (self.model.jobs[name].status == "paused")
        if resumed:
            self.model.resume(name)

    @has_jobs
    @rule(data=st.data())
    def skip(self, data: st.DataObject) -> None:
        name = self.pick(data)
        keys = self.pick_tasks(data, name)
        got = self.call("skip", job_id=UUID(name), task_ids=[self.id_of(name, key) for key in keys])
        assert got == self.model.skip(name, keys)

    @has_jobs
    @rule(data=st.data())
    def retry(self, data: st.DataObject) -> None:
        name = self.pick(data)
        keys = self.pick_tasks(data, name)
        got = self.call("retry", job_id=UUID(name), task_ids=[self.id_of(name, key) for key in keys])
        assert got == self.model.retry(name, keys)
        if got:
            self.progress.pop(name, None)

    # What holds at all times

    @invariant()
    def the_database_is_as_the_model_says(self) -> None:
        real_jobs = {
            str(row[0]): row[1:]
            for row in self.db.execute(
                """select id, status, completed_tasks, failed_tasks, skipped_tasks, total_tasks
                     from course_generation_jobs"""
            )
        }
        wanted_jobs = {}
        for name, job in self.model.jobs.items():
            states = [task.status for task in job.tasks.values()]
            counts = (states.count("completed"), states.count("failed"), states.count("skipped"))
            wanted_jobs[name] = (job.status, *counts, len(states))
        assert real_jobs == wanted_jobs
        real_tasks = {
            (str(row[0]), row[1]): row[2:]
            for row in self.db.execute(
                """select t.job_id, task_identifier, status, t.attempt, generation, current_retry_count, rescues,
                          held and status in ('queued', 'retrying'), l.attempt is not null and l.attempt = t.attempt
                     from course_generation_tasks t left join coursewright.leases l on l.task_id = t.id"""
            )
        }
        wanted_tasks = {
            (name, key): (task.status, task.attempt, task.generation, task.failures, task.rescues,
                          task.held and task.status in {"queued", "retrying"}, task.status == "running")
            for name, job in self.model.jobs.items() for key, task in job.tasks.items()
        }  # fmt: skip
        assert real_tasks == wanted_tasks
        real_entries = self.db.execute(
            "select job_id, priority, status, ready, scheduled, occupies from course_generation_queue order by seq"
        ).fetchall()
        entries = sorted(
            (entry.seq, UUID(name), entry.priority, entry.status, entry.ready, entry.scheduled, entry.occupies)
            for name, job in self.model.jobs.items() for entry in job.entries
        )  # fmt: skip
        assert real_entries == [entry[1:] for entry in entries]

    @invariant()
    def counters_and_numbers_are_right(self) -> None:
        assert not self.ask(
            """select count(*) from coursewright.rotation r where (ready, running) <> (
                   select count(*) filter (where ready), count(*) filter (where occupies)
                     from course_generation_queue q where q.organisation_id = r.organisation_id)"""
        )
        assert not self.ask(
            """select count(*) from course_generation_jobs j where event_count <> (
                   select count(*) from coursewright.events e where e.job_id = j.id) or event_count <> (
                   select coalesce(max(number), 0) from coursewright.events e where e.job_id = j.id)"""
        )

    @invariant()
    def progress_never_falls_within_a_run(self) -> None:
        for job_id, now in self.db.execute("select id, progress_percentage from course_generation_jobs"):
            if self.model.jobs[str(job_id)].status not in FINAL:
                assert now >= self.progress.get(str(job_id), 0)
            self.progress[str(job_id)] = now

    def teardown(self) -> None:
        """No job hangs: with patience, every one of them comes to its end."""
        for organisation in self.model.limits:
            self.set_limit(organisation, 20)
        self.time_comes()
        for name, job in self.model.jobs.items():
            if job.status == "paused":
                self.call("resume", job_id=UUID(name))
                self.model.resume(name)
        for _ in range(60):
            if all(job.status in FINAL for job in self.model.jobs.values()):
                return
            self.call_settles(now=False)
            self.progress.clear()
            self.sweep()
            self.admit()
            self.claim(5)
            for name, key, attempt in self.leases:
                if self.model.jobs[name].tasks[key].leased:
                    self._complete(name, {key: attempt})
            self.the_database_is_as_the_model_says()
        raise AssertionError(f"a job hangs: {self.model.jobs}")


def _run(url: str, examples: int, steps: int) -> None:
    with connect_sync(url) as connection:
        # Jobs are locked in the order of their ids: numbers make a failure repeatable.
        connection.execute("create sequence job_ids")
        connection.execute(
            """alter table course_generation_jobs
               alter id set default lpad(nextval('job_ids')::text, 32, '0')::uuid"""
        )

        class Machine(QueueMachine):
            def __init__(self) -> None:
                super().__init__(connection)

        run_state_machine_as_test(
            Machine,
            settings=settings(
                max_examples=examples,
                stateful_step_count=steps,
                deadline=None,
                print_blob=True,
                suppress_health_check=list(HealthCheck),
            ),
        )


def test_the_queue_does_what_its_model_does(database_url: str) -> None:
    _run(database_url, examples=20, steps=40)


@pytest.mark.slow
def test_the_queue_does_what_its_model_does_for_long(database_url: str) -> None:
    _run(database_url, examples=500, steps=80)
