"""Live progress of reading and of a job: a bar in a terminal, plain lines elsewhere."""

import time
from types import TracebackType
from typing import Self

from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn

from coursewright.app import Progress as JobProgress
from coursewright.app import Reading
from coursewright.cli.console import duration, stderr

_SECONDS_BETWEEN_LINES = 5.0


class Display:
    """Shows what `on_stage`, `on_reading` and `on_job` are told."""

    def __init__(self) -> None:
        self._live = stderr.is_terminal
        self._bar = Progress(
            SpinnerColumn(),
            TextColumn("[bold]{task.description}"),
            BarColumn(bar_width=28),
            MofNCompleteColumn(),
            TextColumn("[dim]{task.fields[note]}"),
            console=stderr,
            transient=True,
            disable=not self._live,
        )
        self._current = self._bar.add_task("", total=None, note="", visible=False)
        self._last_line = 0.0
        self._last_text = ""

    def on_stage(self, stage: str) -> None:
        """Name what happens now."""
        self._show(stage, None, 0, "", force=True)

    def on_reading(self, reading: Reading) -> None:
        """Show how many documents are read."""
        note = f"{reading.passages} passages · {reading.name}"
        self._show("Reading documents", reading.total, reading.done, note, force=reading.done == reading.total)

    def on_job(self, progress: JobProgress) -> None:
        """Show how far a job is."""
        now = progress.running[0] if progress.running else ""
        left = f"about {duration(progress.eta_seconds)} left" if progress.eta_seconds else ""
        note = " · ".join(part for part in (left, now) if part)
        total = progress.job.total_tasks or None
        self._show("Writing the course", total, progress.settled, note, force=progress.job.status.is_final)

    def done(self, text: str) -> None:
        """Leave a line behind for a stage that is over."""
        stderr.print(f"[green]✓[/] {text}", soft_wrap=True)

    def _show(self, stage: str, total: int | None, done: int, note: str, *, force: bool) -> None:
        if self._live:
            room = max(10, stderr.width - 75)
            self._bar.update(
                self._current, description=stage, total=total, completed=done, note=escape(note[:room]), visible=True
            )
            return
        counts = f" {done}/{total}" if total else ""
        text = f"{stage}{counts}"
        due = time.monotonic() - self._last_line > _SECONDS_BETWEEN_LINES
        if text != self._last_text and (force or due):
            self._last_line, self._last_text = time.monotonic(), text
            stderr.print(f"{text}{f' · {escape(note)}' if note else ''}", soft_wrap=True)

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()
