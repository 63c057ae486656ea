"""`worker`: carries out what others ask for, and tells of each job that it works on."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable
from typing import TYPE_CHECKING
from uuid import UUID

import typer

from coursewright.cli.console import count, duration, say, stderr
from coursewright.cli.help import Command
from coursewright.cli.names import short, titles
from coursewright.cli.observed import observed
from coursewright.cli.options import Concurrency, DataDir, open_coursewright, settings
from coursewright.errors import DatabaseUnavailable, NotFound

if TYPE_CHECKING:
    from coursewright.app import Coursewright
    from coursewright.queue import Job
    from coursewright.queue.model import Lease
    from coursewright.settings import Settings

_SECONDS_BETWEEN_LOOKS = 1.0


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(
        cls=Command,
        rich_help_panel="Run and check the program",
        epilog="""\
coursewright worker
DATABASE_URL=postgresql://… coursewright worker --concurrency 20  # on as many machines as you like""",
    )(worker)


def worker(
    concurrency: Concurrency = None,
    data_dir: DataDir = None,
) -> None:
    """Carry out tasks of all jobs until stopped.

    SIGTERM and Ctrl-C let running tasks finish for a while and give the others back.
    """
    configured = settings(data_dir, concurrency)
    with observed(configured) as tell:
        asyncio.run(_worker(configured, tell))


async def _worker(configured: Settings, tell: Callable[[str, str], None]) -> None:
    async with open_coursewright(configured) as program:
        story = _Story(program, tell)
        running = program.worker(on_start=story.on_start)

        def stop(sent: signal.Signals) -> None:
            if sent == signal.SIGINT and stderr.is_terminal:
                stderr.print()  # the terminal has written ^C where the next line begins
            if running.running:
                tell("!", f"Stopping: {count(running.running, 'task')} may finish.")
            running.stop()

        loop = asyncio.get_running_loop()
        for sent in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(sent, stop, sent)
        at_once = count(running.concurrency, "task")
        tell("→", f"Worker {running.name}, {at_once} at once. Ctrl-C stops it.")
        telling = asyncio.create_task(story.run())
        try:
            await program.work(running)
        finally:
            telling.cancel()
            await asyncio.wait([telling])
        await story.look()
    tell("✓", "Stopped.")


class _Story:
    """Says when a job is begun here, and what becomes of it, whichever worker ends it.

    People are told titles and reasons too; logs are not, since both quote documents.
    """

    def __init__(self, program: Coursewright, tell: Callable[[str, str], None]) -> None:
        self._program = program
        self._tell = tell
        self._for_people = tell is say
        self._begun: dict[UUID, bool] = {}  # jobs that are not over, and whether their beginning is told

    def on_start(self, lease: Lease) -> None:
        """Note the job of a task that is started."""
        self._begun.setdefault(lease.job_id, False)

    async def run(self) -> None:
        """Look at the jobs again and again, until cancelled."""
        while True:
            await self.look()
            await asyncio.sleep(_SECONDS_BETWEEN_LOOKS)

    async def look(self) -> None:
        """Tell what is new; a database that is away for a while is asked again later."""
        for job_id, told in list(self._begun.items()):
            try:
                job = await self._program.jobs.get(job_id)
                title = f" “{(await titles(self._program, [job]))[job_id]}”" if self._for_people else ""
            except NotFound:
                del self._begun[job_id]
                continue
            except DatabaseUnavailable:
                return
            if not told:
                self._tell("→", f"Started {short(job_id)}{title}")
                self._begun[job_id] = True
            if job.status.is_final or job.status == "paused":
                del self._begun[job_id]
                self._tell(*_end(job, f"{short(job_id)}{title}", job.error_message if self._for_people else ""))


def _end(job: Job, about: str, reason: str | None) -> tuple[str, str]:
    """Return mark and words for a job that does not go on."""
    why = f": {reason}" if reason else ""
    if job.status == "failed":
        return "✗", f"Failed {about}{why}"
    if job.status != "completed":
        return "!", f"{str(job.status).capitalize()} {about}"
    passed = (job.completed_at - job.started_at).total_seconds() if job.started_at and job.completed_at else None
    after = f"{count(job.completed_tasks, 'task')}" + ("" if passed is None else f" in {duration(passed)}")
    return "!" if job.error_message else "✓", f"Finished {about}, {after}{why}"


__all__ = ["register"]
