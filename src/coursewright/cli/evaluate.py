"""How good a version of the prompts is: `eval`."""

from __future__ import annotations

import asyncio
import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from pydantic import TypeAdapter, ValidationError
from rich.markup import escape
from rich.table import Table

from coursewright.cli.console import count, near, print_json, say, stdout
from coursewright.cli.help import Command
from coursewright.cli.options import BaseUrl, DataDir, Json, find, open_coursewright, settings, with_model
from coursewright.errors import InvalidRequest

if TYPE_CHECKING:
    from coursewright.evaluation import Comparison, Scores
    from coursewright.settings import Settings

WORSE = 1  # exit code


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(
        "eval",
        cls=Command,
        rich_help_panel="Look after models",
        epilog="""\
coursewright eval 3f1c --record new.jsonl  # keep what a model answered to job 3f1c
coursewright eval new.jsonl  # judge it
coursewright eval new.jsonl --baseline old.jsonl  # exit code 1 when it is worse
coursewright eval new.jsonl --json > scores.json  # later: --baseline scores.json""",
    )(evaluate)


def evaluate(
    sources: Annotated[list[str], typer.Argument(help="Recordings; with --record, one job.", metavar="RECORDING...")],
    record: Annotated[
        Path | None, typer.Option(help="Write what the model of a finished job answered to FILE.", metavar="FILE")
    ] = None,
    baseline: Annotated[
        list[Path] | None,
        typer.Option(help="Recording, or scores of --json, to compare with; may be repeated.", metavar="FILE"),
    ] = None,
    base_url: BaseUrl = None,
    json: Json = False,
    data_dir: DataDir = None,
) -> None:
    """Score a version of the prompts from recorded replies, and compare two.

    A recording holds a knowledge base, a wish for a course and every reply of a model. It is judged by the program as
    it is now: checks, repairs, citations, questions. No model is asked and nothing is spent.
    """
    configured = with_model(settings(data_dir), None, base_url, None)
    if record is not None:
        if len(sources) > 1 or baseline:
            raise InvalidRequest("--record takes one job.", hint="coursewright eval JOB --record FILE")
        asyncio.run(_record(configured, sources[0], record))
        return
    if asyncio.run(_evaluate(configured, [Path(each) for each in sources], baseline or [], as_json=json)):
        raise typer.Exit(WORSE)


async def _record(configured: Settings, name: str, path: Path) -> None:
    from coursewright.evaluation import record, write_recording

    async with open_coursewright(configured) as program:
        recording = await record(program, (await find(program, name)).id)
    write_recording(recording, path)
    say("✓", f"{count(len(recording.replies), 'reply', 'replies')} to prompts {recording.head.prompts}: {near(path)}")


async def _evaluate(configured: Settings, paths: list[Path], baselines: list[Path], *, as_json: bool) -> bool:
    """Print scores; tell whether any is worse than its baseline."""
    from coursewright.evaluation import compare

    old = {each.knowledge_base: each for path in baselines for each in await _scores(configured, path)}
    new = [each for path in paths for each in await _scores(configured, path)]
    strangers = [each.knowledge_base for each in new if baselines and each.knowledge_base not in old]
    if strangers:
        raise InvalidRequest(
            f"No baseline is of the knowledge base {', '.join(strangers)}.",
            hint="Compare recordings of the same documents and the same wish.",
        )
    compared = [compare(each, old[each.knowledge_base]) for each in new] if baselines else []
    if as_json:
        worse = {each.scores.knowledge_base: each.worse for each in compared}
        print_json({"scores": [asdict(each) for each in new], "baseline": _old(compared), "worse": worse})
    elif compared:
        for each in compared:
            _show(each.scores, each)
    else:
        for scores in new:
            _show(scores, None)
    return any(each.worse for each in compared)


def _old(compared: list[Comparison]) -> list[dict[str, object]]:
    return [asdict(each.baseline) for each in compared]


async def _scores(configured: Settings, path: Path) -> list[Scores]:
    """Return the scores of a recording, or those that a file of `--json` holds."""
    from coursewright.evaluation import Scores, read_recording, replay

    try:
        kept = json.loads(await asyncio.to_thread(path.read_text, encoding="utf-8"))["scores"]
        return TypeAdapter(list[Scores]).validate_python(kept)
    except (OSError, ValueError, KeyError, TypeError, ValidationError):
        return [await replay(read_recording(path), configured)]


def _show(scores: Scores, compared: Comparison | None) -> None:
    from coursewright.evaluation.scores import SCORES

    size = f"{count(scores.passages, 'passage')}, {count(scores.calls, 'call')}"
    stdout.print(
        f"[bold]prompts {scores.prompts}[/]  [dim]{escape(', '.join(scores.models))}; knowledge base "
        f"{scores.knowledge_base}, {size}[/]",
        soft_wrap=True,
    )
    table = Table(box=None, header_style="dim", padding=(0, 2, 0, 0), show_edge=False)
    table.add_column("")
    table.add_column("Now", justify="right")
    if compared:
        table.add_column(f"Baseline {compared.baseline.prompts}", justify="right")
        table.add_column("")
    for each in SCORES:
        value = scores.values.get(each.name)
        cells = [each.title, _number(value, each.unit)]
        if compared:
            cells += [_number(compared.baseline.values.get(each.name), each.unit), _mark(each.name, compared)]
        if value is not None or compared:
            table.add_row(*cells)
    stdout.print(table)
    if scores.rejections:
        told = ", ".join(f"{name} {number}" for name, number in scores.rejections.items())
        stdout.print(f"  [dim]rejected for[/] {escape(told)}", soft_wrap=True)
    if compared and compared.worse:
        say("✗", f"Worse than the baseline: {', '.join(compared.worse)}.", to=stdout)
    stdout.print()


def _mark(name: str, compared: Comparison) -> str:
    return "[red]worse[/]" if name in compared.worse else "[green]better[/]" if name in compared.better else ""


def _number(value: float | None, unit: str) -> str:
    if value is None:
        return "–"
    if unit == "share":
        return f"{100 * value:.1f} %"
    if unit == "dollars":
        return f"{value:.4f}"
    return f"{value:,.0f}" if value == int(value) else f"{value:.2f}"


__all__ = ["register"]
