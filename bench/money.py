"""What courses cost: calls saved when one document of twenty changes; one course at once, again, and in batches.

The model is the simulator, the prices are the public ones of the model it stands for.
"""

import asyncio
import tempfile
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Literal

from pydantic import SecretStr

from bench import ledger
from bench.latency import provider_settings
from bench.report import Table
from coursewright.app import Coursewright, open_coursewright
from coursewright.course.plan import CourseRequest
from coursewright.generation.terms import JobTerms
from coursewright.llm.ledger import CallRecord
from coursewright.settings import GatewaySettings, Settings
from tests.handbook import COURSE_45, write_documents
from tests.wire import simulator

_DOCUMENTS, _MODULES, _LESSONS, _SECTIONS = 20, 4, 5, 2
_SOON = GatewaySettings(wave_seconds=0.5, batch_poll_seconds=0.5)


def _settings(url: str, port: int, folder: Path, *, storage: bool = False) -> Settings:
    return provider_settings(port, storage=storage).model_copy(
        update={"database_url": SecretStr(url), "data_dir": folder / "data", "gateway": _SOON}
    )


async def _make(
    program: Coursewright,
    documents: Path,
    name: str,
    request: CourseRequest,
    urgency: Literal["normal", "batch"] = "normal",
) -> tuple[list[CallRecord], list[str]]:
    """Make a course and return its calls, and what sums up its ledger."""
    base = await program.read([documents])
    job, _ = await program.enqueue(base, request, terms=JobTerms(urgency=urgency))
    await program.finish(job)
    tasks = await program.jobs.tasks(job)
    assert not any("substituted" in (task.result_metadata or {}) for task in tasks)
    return await program.ledger.calls(job), await ledger.summed(program, job, name)


def _paid(calls: list[CallRecord]) -> Decimal:
    return sum((call.cost for call in calls if call.cost is not None and not call.saved), Decimal(0))


async def _one_of_twenty(url: str, port: int, folder: Path) -> tuple[list[list[str]], list[list[str]]]:
    request = CourseRequest(author="llm", modules=_MODULES, lessons=_LESSONS)
    paths = write_documents(folder / "documents", [_SECTIONS] * _DOCUMENTS)
    rows, sums = [], []
    async with open_coursewright(_settings(url, port, folder)) as program:
        for name in ("first", "one sentence more in one document", "the same again"):
            if name.startswith("one"):
                text = paths[10].read_text(encoding="utf-8").rstrip()
                paths[10].write_text(f"{text} Whoever keeps bees writes down what was seen.\n", encoding="utf-8")
            calls, summed = await _make(program, folder / "documents", f"twenty documents: {name}", request)
            sums.append(summed)
            fresh = [call for call in calls if not call.saved]
            saved = f"{len(calls) - len(fresh)} ({(len(calls) - len(fresh)) / len(calls):.0%})"
            rows.append([name, str(len(calls)), str(len(fresh)), saved, f"{_paid(calls):.4f}"])
    return rows, sums


async def _ways(new_database: Callable[[], str], folder: Path) -> tuple[list[list[str]], list[list[str]]]:
    request = CourseRequest(author="llm", modules=2, lessons=3)
    write_documents(folder / "documents", COURSE_45)
    made: dict[str, tuple[list[CallRecord], list[str]]] = {}

    async def make(program: Coursewright, name: str, urgency: Literal["normal", "batch"] = "normal") -> None:
        made[name] = await _make(program, folder / "documents", name, request, urgency)

    options = ("--good", "--steady", "--latency", "0.05")
    with simulator(*options) as port:
        async with open_coursewright(_settings(new_database(), port, folder)) as program:
            await make(program, "immediate")
            await make(program, "the same again: answers are kept")
    with simulator(*options, "--cache") as port:
        async with open_coursewright(_settings(new_database(), port, folder)) as program:
            await make(program, "immediate, provider's prompt cache")
    with simulator(*options) as port:
        async with open_coursewright(_settings(new_database(), port, folder, storage=True)) as program:
            await make(program, "batch", "batch")
    first = _paid(made["immediate"][0])
    rows = [
        [
            name,
            str(sum(not call.saved for call in calls)),
            str(sum(call.mode == "batch" and not call.saved for call in calls)),
            f"{sum(call.input_tokens for call in calls):,}",
            f"{sum(call.cached_tokens for call in calls):,}",
            f"{sum(call.output_tokens for call in calls):,}",
            f"{_paid(calls):.4f}",
            f"{_paid(calls) / first:.0%}",
        ]
        for name, (calls, _) in made.items()
    ]
    return rows, [summed for _, summed in made.values()]


def measure(new_database: Callable[[], str]) -> list[Table]:
    """Return the tables of money."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        folder = Path(name)
        with simulator("--good", "--steady", "--latency", "0.05") as port:
            changed, ledger_changed = asyncio.run(_one_of_twenty(new_database(), port, folder / "twenty"))
        ways, ledger_ways = asyncio.run(_ways(new_database, folder / "one"))
    return [
        Table(
            "Calls when one document of twenty changes",
            f"{_DOCUMENTS} documents, a lesson each, {_MODULES} modules. Calls that are not new use an answer that is "
            "kept. New are the analysis, the outline, what rests on the document, and the questions about it.",
            ("course", "calls", "new", "saved", "dollars"),
            changed,
        ),
        Table(
            "Money for one course of 45 tasks",
            "Prices of gpt-5.4-mini; tokens as the simulator counts them. The prompt cache is as OpenAI's, from 1,024 "
            "equal tokens on; ours have fewer in common. In a batch, analysis and outline stay immediate.",
            ("way", "calls paid", "in batches", "tokens in", "cached", "tokens out", "dollars", "of immediate"),
            ways,
        ),
        ledger.table("courses by a model, changed, again and in batches", [*ledger_changed, *ledger_ways]),
    ]


__all__ = ["measure"]
