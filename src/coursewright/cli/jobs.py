"""Looking at jobs and ending them: `jobs`, `status`, `cancel`."""

import asyncio
import sys
from typing import Annotated, Any
from uuid import UUID

import typer
from rich.markup import escape
from rich.table import Table

from coursewright.app import open_coursewright
from coursewright.cli.console import duration, print_json, stderr, stdout
from coursewright.cli.generate import DataDir, Json, settings
from coursewright.queue import Job, Task
from coursewright.settings import Settings

JobId = Annotated[UUID, typer.Argument(help="The job's id; see `coursewright jobs`.", show_default=False)]


def register(app: typer.Typer) -> None:
    """Add the commands of this group."""
    app.command()(jobs)
    app.command()(status)
    app.command()(cancel)


def jobs(
    most: Annotated[int, typer.Option(help="Show at most so many.")] = 20, data_dir: DataDir = None, json: Json = False
) -> None:
    """List the jobs, newest first.

    [dim]coursewright jobs --json[/]
    """
    asyncio.run(_jobs(settings(data_dir), most, json=json))


def status(job: JobId, data_dir: DataDir = None, json: Json = False) -> None:
    """Show how far a job is, and what failed.

    [dim]coursewright status 3f1c…[/]
    """
    asyncio.run(_status(settings(data_dir), job, json=json))


def cancel(job: JobId, data_dir: DataDir = None) -> None:
    """End a job; what is under way stops within seconds.

    [dim]coursewright cancel 3f1c…[/]
    """
    asyncio.run(_cancel(settings(data_dir), job))


async def _jobs(configured: Settings, most: int, *, json: bool) -> None:
    async with open_coursewright(configured) as program:
        found = await program.jobs.newest(most=most)
    if json:
        print_json([_brief(job) for job in found])
        return
    if not found:
        stderr.print("No jobs yet. `coursewright demo` makes the first.")
        return
    if not stdout.is_terminal:
        for job in found:
            sys.stdout.write(f"{job.id}\t{job.status}\t{job.progress_percentage}%\t{_title(job)}\n")
        return
    table = Table("Job", "State", "Done", "Tasks", "Title", box=None, header_style="dim")
    for job in found:
        tasks = f"{job.completed_tasks}/{job.total_tasks}"
        table.add_row(str(job.id), job.status, f"{job.progress_percentage} %", tasks, escape(_title(job)))
    stdout.print(table)


async def _status(configured: Settings, job_id: UUID, *, json: bool) -> None:
    async with open_coursewright(configured) as program:
        progress = await program.progress(job_id)
        tasks = await program.jobs.tasks(job_id)
    job = progress.job
    if json:
        print_json(_brief(job) | {"error": job.error_message, "tasks": [_task(task) for task in tasks]})
        return
    stdout.print(f"[bold]{escape(_title(job))}[/]  {job.status}, {job.progress_percentage} %")
    stdout.print(
        f"  {job.completed_tasks} of {job.total_tasks} tasks completed, {job.failed_tasks} failed, "
        f"{job.skipped_tasks} skipped"
    )
    if progress.running:
        left = f", about {duration(progress.eta_seconds)} left" if progress.eta_seconds else ""
        stdout.print(f"  now: {escape(', '.join(progress.running))}{left}")
    if job.error_message:
        stdout.print(f"  [yellow]![/] {escape(job.error_message)}", soft_wrap=True)
    for task in tasks:
        if task.status in ("failed", "skipped"):
            stdout.print(f"  {task.status}: {task.task_identifier}: {escape(task.error_message or '')}", soft_wrap=True)


async def _cancel(configured: Settings, job_id: UUID) -> None:
    async with open_coursewright(configured) as program:
        await program.jobs.cancel(job_id)
    stderr.print(f"[green]✓[/] Cancelled {job_id}")


def _brief(job: Job) -> dict[str, Any]:
    return {
        "id": str(job.id),
        "status": str(job.status),
        "progress": job.progress_percentage,
        "title": _title(job),
        "total_tasks": job.total_tasks,
        "completed_tasks": job.completed_tasks,
        "failed_tasks": job.failed_tasks,
        "skipped_tasks": job.skipped_tasks,
        "created_at": job.created_at.isoformat(),
    }


def _task(task: Task) -> dict[str, Any]:
    return {
        "task": task.task_identifier,
        "kind": task.task_type,
        "status": str(task.status),
        "attempt": task.attempt,
        "error": task.error_message,
        "seconds": task.actual_duration_seconds,
    }


def _title(job: Job) -> str:
    message = (job.result_data or {}).get("message", "")
    named = job.job_data.get("request", {}).get("title")
    return named or (message.split("”")[0].lstrip("“") if "”" in message else "") or "Untitled"
