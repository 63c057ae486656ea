"""Looking at jobs and ending them: `jobs`, `status`, `cancel`."""

from __future__ import annotations

import asyncio
import sys
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import typer
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from coursewright.cli.console import command, duration, print_json, say, stderr, stdout, tell
from coursewright.cli.help import Command
from coursewright.cli.names import asked_of, short, titles
from coursewright.cli.options import DataDir, JobId, Json, find, open_coursewright, settings
from coursewright.cli.progress import making
from coursewright.cli.spending import raised_cap

if TYPE_CHECKING:
    from coursewright.app import Progress
    from coursewright.queue import Job, Task
    from coursewright.queue.jobs import StoryLine
    from coursewright.settings import Settings

_PANEL = "Look after jobs"
_NARROW = 60
_LAST_LINES = 6  # of a job's story
_COLOURS = {"completed": "green", "failed": "red", "processing": "cyan", "cancelled": "dim", "paused": "yellow"}


def register(app: typer.Typer) -> None:
    """Add the commands of this group."""
    app.command(
        cls=Command,
        rich_help_panel=_PANEL,
        epilog="""\
coursewright jobs
coursewright jobs --json | jq -r '.[0].id'  # for programs: a list, newest first""",
    )(jobs)
    app.command(
        cls=Command,
        rich_help_panel=_PANEL,
        epilog="""\
coursewright status 3f1c
coursewright status 3f1c --story  # all that happened to it, in words
coursewright status 3f1c --json  # with every task""",
    )(status)
    app.command(cls=Command, rich_help_panel=_PANEL, epilog="coursewright cancel 3f1c")(cancel)


def jobs(
    limit: Annotated[int, typer.Option(help="Show at most so many. Default: 20.", metavar="N", min=1, max=10_000)] = 20,
    json: Json = False,
    data_dir: DataDir = None,
) -> None:
    """List the jobs of all organisations, newest first."""
    asyncio.run(_jobs(settings(data_dir), limit, json=json))


def status(
    job: JobId,
    story: Annotated[
        bool, typer.Option("--story", help="Tell all that happened, from the beginning.", metavar="")
    ] = False,
    json: Json = False,
    data_dir: DataDir = None,
) -> None:
    """Show how far a job is, what it makes or waits for now, what happened last and what failed."""
    asyncio.run(_status(settings(data_dir), job, whole_story=story, json=json))


def cancel(job: JobId, data_dir: DataDir = None) -> None:
    """End a job.

    What is under way stops within seconds, in every worker. A cancelled job does not go on; `generate` starts anew.
    """
    asyncio.run(_cancel(settings(data_dir), job))


async def _jobs(configured: Settings, most: int, *, json: bool) -> None:
    async with open_coursewright(configured) as program:
        found = await program.jobs.newest(most=most)
        names = await titles(program, found)
    if json:
        print_json([_brief(job, names[job.id]) for job in found])
        return
    if not found:
        stderr.print("No jobs yet. `coursewright demo` makes the first.")
        return
    if not stdout.is_terminal:
        for job in found:
            sys.stdout.write(f"{job.id}\t{job.status}\t{job.progress_percentage}%\t{names[job.id]}\n")
        return
    stdout.print(_table(found, names, narrow=stdout.width < _NARROW))


def _table(found: list[Job], names: dict[UUID, str], *, narrow: bool) -> Table:
    table = Table(box=None, header_style="dim", padding=(0, 2, 0, 0), show_edge=False)
    table.add_column("Job", no_wrap=True)
    table.add_column("State", no_wrap=True)
    if not narrow:
        table.add_column("Tasks", justify="right", no_wrap=True)
        table.add_column("Asked for", no_wrap=True)
    table.add_column("Course")  # alone gives way where the screen is narrow
    for job in found:
        state = f"{job.progress_percentage} %" if job.status == "processing" else str(job.status)
        cells = [short(job.id), f"[{_COLOURS.get(job.status, 'default')}]{state}[/]"]
        if not narrow:
            cells += [f"{job.completed_tasks}/{job.total_tasks}", _ago(job.created_at)]
        table.add_row(*cells, Text(names[job.id], no_wrap=True, overflow="ellipsis"))
    return table


async def _status(configured: Settings, name: str, *, whole_story: bool, json: bool) -> None:
    async with open_coursewright(configured) as program:
        job = await find(program, name)
        progress = await program.progress(job.id)
        tasks = await program.jobs.tasks(job.id)
        story = await program.jobs.story(job.id, 10_000 if whole_story or json else _LAST_LINES)
        measures, _ = await program.operations.measures()
        nobody = not any(each.value for each in measures if each.name in ("workers", "ticks_running"))
        title = (await titles(program, [job]))[job.id]
        raised = await raised_cap(program, job.id, job.error_message if job.status == "paused" else None)
    job = progress.job
    if json:
        beside = {"error": job.error_message, "waits": progress.waits or None, "tasks": [_task(task) for task in tasks]}
        print_json(_brief(job, title) | beside | {"story": [_line(line) for line in story]})
        return
    colour = _COLOURS.get(job.status, "default")
    stdout.print(f"[bold]{escape(title)}[/]  [{colour}]{job.status}[/], {job.progress_percentage} %", soft_wrap=True)
    stdout.print(f"  [dim]job[/]    {job.id}, {_ago(job.created_at)}", soft_wrap=True)
    stdout.print(f"  [dim]tasks[/]  {_counts(job)}", soft_wrap=True)
    _tell_now(progress)
    _tell_story(story)
    if nobody and not progress.running and job.status in ("queued", "processing"):
        say("!", "No worker is running, so nothing happens.", to=stdout)
        tell("`coursewright worker` works on all jobs, `resume` on this one.", to=stdout)
    if job.error_message:
        say("!", job.error_message, to=stdout)
    for task in tasks:
        if task.status in ("failed", "skipped"):
            mark = "✗" if task.status == "failed" else "!"
            title = f" “{task.section_title}”" if task.section_title else ""
            say(
                mark,
                f"{task.status} {task.task_identifier}{title}: {task.error_message or 'no reason was kept'}",
                to=stdout,
            )
            for suggestion in task.recovery_suggestions or ():
                tell(suggestion, to=stdout)
    if not job.status.is_final or job.failed_tasks:
        stdout.print(f"  [dim]next[/]   {command('resume', short(job.id), *raised)}", soft_wrap=True)


def _counts(job: Job) -> str:
    parts = [f"{job.completed_tasks} of {job.total_tasks} completed"]
    parts += [f"{job.failed_tasks} failed"] if job.failed_tasks else []
    parts += [f"{job.skipped_tasks} skipped"] if job.skipped_tasks else []
    return ", ".join(parts)


def _tell_story(story: list[StoryLine]) -> None:
    today = datetime.now().astimezone().date()
    for number, line in enumerate(story):
        at = line.created_at.astimezone()
        when = f"{at:%H:%M:%S}" if at.date() == today else f"{at:%Y-%m-%d %H:%M}"
        colour = {"warning": "yellow", "error": "red", "critical": "bold red"}.get(line.level, "default")
        head = "story" if number == 0 else "     "
        _hang(f"  [dim]{head}  {when}[/] ", f"[{colour}]{escape(line.message)}[/]")


def _hang(head: str, text: str) -> None:
    """Print a line whose continuation, on a terminal, stands below its text."""
    if not stdout.is_terminal:
        stdout.print(head + text, soft_wrap=True)
        return
    row = Table.grid()
    row.add_column(no_wrap=True)
    row.add_column()
    row.add_row(head, text)
    stdout.print(row)


def _tell_now(progress: Progress) -> None:
    if progress.waits:
        _hang("  [dim]waits[/]  ", escape(progress.waits))
    if not progress.running:
        return
    now = " · ".join(dict.fromkeys(making(each) or each.kind.replace("_", " ") for each in progress.running))
    stdout.print(f"  [dim]now[/]    {escape(now)}", soft_wrap=True)
    if progress.eta_seconds:
        stdout.print(f"  [dim]left[/]   about {duration(progress.eta_seconds)}", soft_wrap=True)


async def _cancel(configured: Settings, name: str) -> None:
    async with open_coursewright(configured) as program:
        job = await find(program, name)
        await program.jobs.cancel(job.id)
        title = (await titles(program, [job]))[job.id]
    say("✓", f"Cancelled {short(job.id)} “{title}”")


def _brief(job: Job, title: str) -> dict[str, Any]:
    return {
        "id": str(job.id),
        "status": str(job.status),
        "progress": job.progress_percentage,
        "title": title,
        "total_tasks": job.total_tasks,
        "completed_tasks": job.completed_tasks,
        "failed_tasks": job.failed_tasks,
        "skipped_tasks": job.skipped_tasks,
        "created_at": job.created_at.isoformat(),
        "out": asked_of(job).get("out"),
    }


def _line(line: StoryLine) -> dict[str, Any]:
    return {"at": line.created_at.isoformat(), "level": line.level, "message": line.message}


def _task(task: Task) -> dict[str, Any]:
    return {
        "task": task.task_identifier,
        "kind": task.task_type,
        "status": str(task.status),
        "attempt": task.attempt,
        "error": task.error_message,
        "seconds": task.actual_duration_seconds,
    }


def _ago(then: datetime) -> str:
    passed = (datetime.now(then.tzinfo) - then).total_seconds()
    if passed < 60:
        return "just now"
    for unit, seconds in (("day", 86_400), ("hour", 3_600), ("minute", 60)):
        if passed >= seconds:
            number = int(passed // seconds)
            return f"{number} {unit}{'s' if number > 1 else ''} ago"
    return then.isoformat()


__all__ = ["register"]
