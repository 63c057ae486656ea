"""Time to a whole course of 45 tasks by a model: one call after the other, waves with a barrier, ours, and the limit.

The limit is the longest chain of the latencies that the simulator drew. They follow from what is asked (`--steady`), so
that every way meets the same latencies, and the same unusable answers, in whatever order it asks.
"""

import asyncio
import json
import os
import resource
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from uuid import UUID, uuid4

from psycopg.rows import dict_row
from pydantic import SecretStr

from bench import ledger
from bench.report import Table
from coursewright.app import Coursewright, open_coursewright
from coursewright.course.plan import CourseRequest
from coursewright.generation.graph import ANALYSIS, OUTLINE
from coursewright.generation.terms import JobTerms
from coursewright.llm.call import request_from_json
from coursewright.llm.model import Request
from coursewright.llm.providers.openai import OpenAI
from coursewright.settings import GatewaySettings, ProviderSettings, Settings
from tests.handbook import COURSE_45, write_documents
from tests.wire import simulator

SEEDS = (1, 2, 3, 4, 5)
MEDIAN_SECONDS, WAVE = 6.0, 15
REJECTED = 0.12  # of first answers, with repairs on
KEY = SecretStr("sk-of-nobody")


@dataclass(frozen=True)
class Asked:
    """One task of the course: what it waited for, and what it asked, turn by turn, with the seconds of each reply."""

    after: tuple[str, ...]
    turns: tuple[tuple[Request, float], ...]

    @property
    def seconds(self) -> float:
        return sum(seconds for _, seconds in self.turns)


Graph = Mapping[str, Asked]


def provider_settings(port: int, **more: object) -> Settings:
    """Return settings under which the simulator at a port is OpenAI."""
    url = f"http://127.0.0.1:{port}/v1"
    providers = ProviderSettings.model_validate(
        {"openai_key": KEY, "openai_base_url": url, "model": "openai:gpt-5.4-mini", "job_budget": 100} | more
    )
    return Settings.model_validate({"providers": providers})


@dataclass(frozen=True)
class Made:
    """A course that was made: seconds from the request to its end, CPU seconds that it took here, what was asked."""

    seconds: float
    cpu: float
    graph: Graph
    ledger: list[str]


def _cpu() -> float:
    """Return the CPU seconds of this process and of its subprocesses that have ended."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)


async def _ours(url: str, port: int, log: Path, folder: Path, name: str) -> Made:
    """Make the course."""
    settings = provider_settings(port).model_copy(
        update={"database_url": SecretStr(url), "data_dir": folder / "data", "gateway": GatewaySettings()}
    )
    write_documents(folder / "documents", COURSE_45)
    async with open_coursewright(settings) as program:
        base = await program.read([folder / "documents"])
        request = CourseRequest(author="llm", modules=2, lessons=3)
        await program.quote(base, request, JobTerms())  # as the command does before it begins
        cpu = _cpu()
        began = time.perf_counter()
        job, _ = await program.enqueue(base, request)
        await program.finish(job)
        seconds = time.perf_counter() - began
        graph, sums = await _graph(program, job, log), await ledger.summed(program, job, name)
    return Made(seconds, _cpu() - cpu, graph, sums)  # what was computed apart has ended with the program


async def _graph(program: Coursewright, job: UUID, log: Path) -> Graph:
    billed = await asyncio.to_thread(log.read_text)
    drawn = {line["call"]: line["seconds"] for line in map(json.loads, billed.splitlines())}
    query = """
        select c.id, c.kind, c.task_key, t.prompt
          from coursewright.calls c join coursewright.call_texts t on t.call_id = c.id
         where c.job_id = %s order by c.task_key, c.turn"""
    async with program.pool.connection() as connection, connection.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(query, (job,))
        calls = await cursor.fetchall()
    tasks = await program.jobs.tasks(job)
    assert len(tasks) == 45, len(tasks)
    assert not any("substituted" in (task.result_metadata or {}) for task in tasks)
    return {
        task.task_identifier: Asked(
            # Whatever has no dependency of its own was planned by the outline.
            tuple(task.dependencies) or (() if task.task_identifier in (ANALYSIS, OUTLINE) else (OUTLINE,)),
            tuple(
                (request_from_json(call["prompt"]), drawn[str(call["id"])])
                for call in calls
                if call["kind"] == task.task_type
                and call["task_key"].partition("/")[0] == (task.result_metadata or {}).get("key")
            ),
        )
        for task in tasks
    }


def longest_chain(graph: Graph) -> float:
    """Return the seconds that no order of asking can do without."""
    ends: dict[str, float] = {}

    def end(name: str) -> float:
        if name not in ends:
            ends[name] = graph[name].seconds + max((end(each) for each in graph[name].after), default=0.0)
        return ends[name]

    return max(map(end, graph))


async def _replay(port: int, graph: Graph, at_once: int) -> float:
    """Ask the same in waves: so many tasks of those that can begin, then a barrier. Returns seconds."""
    provider = OpenAI(KEY, base_url=f"http://127.0.0.1:{port}/v1")

    async def ask(task: Asked) -> None:
        for request, _ in task.turns:
            await provider.send(request, uuid4(), 600)

    began = time.perf_counter()
    left = dict(graph)
    while left:
        ready = [name for name, task in left.items() if not set(task.after) & set(left)][:at_once]
        await asyncio.gather(*(ask(left[name]) for name in ready))
        for name in ready:
            del left[name]
    await provider.aclose()
    return time.perf_counter() - began


async def _others(made: Sequence[tuple[int, Graph]]) -> list[tuple[float, float]]:
    """Return seconds of one after the other and of waves, for each course; all at once, since they only wait."""
    one_by_one = asyncio.gather(*(_replay(port, graph, 1) for port, graph in made))
    waves = asyncio.gather(*(_replay(port, graph, WAVE) for port, graph in made))
    return list(zip(await one_by_one, await waves, strict=True))


def _case(stack: ExitStack, new_database: Callable[[], str], latency: float, rejected: float) -> list[tuple[int, Made]]:
    """Make a course for each seed, one after the other; return them with the ports of their simulators."""
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory(ignore_cleanup_errors=True)))
    courses = []
    for seed in SEEDS:
        log = folder / f"{seed}.jsonl"
        options = ["--good", "--steady", "--seed", str(seed), "--latency", str(latency), "--log", str(log)]
        port = stack.enter_context(simulator(*options, "--reject-rate", str(rejected)))
        name = f"{latency:g} s, repairs {'on' if rejected else 'off'}, seed {seed}"
        courses.append((port, asyncio.run(_ours(new_database(), port, log, folder / str(seed), name))))
    return courses


def _row(courses: Sequence[Made], others: Sequence[tuple[float, float]]) -> list[str]:
    limits = [longest_chain(course.graph) for course in courses]
    ours = [course.seconds for course in courses]
    names = (limits, ours, [wave for _, wave in others], [one for one, _ in others])
    cells = [f"{median(seconds):.1f}" for seconds in names]
    ratios = [[a / b for a, b in zip(seconds, limits, strict=True)] for seconds in names[1:]]
    told = [f"{median(ratio):.2f}" for ratio in ratios]
    told[0] += f" ({min(ratios[0]):.2f} to {max(ratios[0]):.2f})"
    calls = [sum(len(task.turns) for task in course.graph.values()) for course in courses]
    return [f"{median(calls):.0f}", *cells, *told, f"{median(course.cpu for course in courses):.1f}"]


def _measured(new_database: Callable[[], str], latency: float, pace: str, note: str) -> list[Table]:
    repairs = (0.0, REJECTED)
    with ExitStack() as stack:
        cases = [_case(stack, new_database, latency, rejected) for rejected in repairs]
        others = asyncio.run(_others([(port, made.graph) for case in cases for port, made in case]))
    rows: list[list[str]] = []
    courses: list[Made] = []
    for rejected, case in zip(repairs, cases, strict=True):
        made = [each for _, each in case]
        rows.append(["on" if rejected else "off", *_row(made, others[len(courses) : len(courses) + len(made)])])
        courses += made
    head = (
        *("repairs", "calls", "limit s", "ours s", "waves s", "one by one s"),
        *("ours / limit", "waves / limit", "one by one / limit", "CPU s"),
    )
    return [
        Table(f"Time to a course of 45 tasks by a model {pace}", note, head, rows),
        ledger.table(f"courses by a model {pace}", [each.ledger for each in courses]),
    ]


def measure(new_database: Callable[[], str], *, real: bool = False) -> list[Table]:
    """Measure at a tenth of a model's latency; with `real` at the whole, too (a quarter of an hour)."""
    note = (
        "2 modules of 3 lessons, 21 sections; from the request to the finished course with its checks, against the "
        f"simulator in a process of its own (lognormal latencies, sigma 0.5); medians of {len(SEEDS)} seeds. Limit: "
        "the longest chain of the latencies drawn. Waves: 15 tasks, then a barrier. One by one: one call at a time. "
        f"Repairs on: {REJECTED:.0%} of first answers are unusable. The other two ways replay the same calls without "
        "any storage. CPU: of our processes for one course, Postgres and simulator besides. "
    )
    tables = _measured(
        new_database,
        MEDIAN_SECONDS / 10,
        "at a tenth of its pace (0.6 s a call)",
        f"{note}Aim: 1.2 of the limit. What is above it is computing: answers take the same CPU to read, check and "
        f"store as at a model's own pace, on {os.cpu_count()} cores that Postgres and the simulator need, too.",
    )
    if real:
        tables += _measured(
            new_database,
            MEDIAN_SECONDS,
            "at its own pace (6 s a call)",
            f"{note}Aim: 1.05 of the limit. Measured by `python -m bench latency --real --keep`, which takes a quarter "
            "of an hour; `make bench` leaves it out.",
        )
    return tables


__all__ = ["measure"]
