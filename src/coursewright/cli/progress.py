"""Live progress of reading and of a job: a bar in a terminal, a line now and then elsewhere."""

from __future__ import annotations

import time
from types import TracebackType
from typing import TYPE_CHECKING, Self

from rich.console import Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from coursewright.cli.console import count, duration, say, stderr

if TYPE_CHECKING:
    from coursewright.app import Making, Reading
    from coursewright.app import Progress as JobProgress

_SECONDS_BETWEEN_LINES = 5.0
_NARROW = 60
_BEGINNING = 2  # tasks before there is an outline

# What a job is at, by the kind of the task that runs; the words of people, not of tables.
_STAGES = {
    "knowledge_analysis": "Studying the documents",
    "outline_generation": "Outlining the course",
    "content_validation": "Checking the course",
}
_PARTS = {
    "lesson_assessment": "questions",
    "lesson_mind_map": "mind map",
    "lesson_brainbytes": "audio script",
    "path_quiz": "module quiz",
    "class_exam": "final exam",
}


class Display:
    """Shows what `on_stage`, `on_reading` and `on_job` are told."""

    def __init__(self) -> None:
        self._on_screen = stderr.is_terminal and not stderr.is_dumb_terminal
        self._spinner = Spinner("dots", style="cyan")
        self._stage, self._note, self._left = "", "", ""
        self._done, self._total = 0, 0
        self._last_line, self._last_text, self._last_stage = 0.0, "", ""
        self._live = Live(get_renderable=self._view, console=stderr, transient=True, refresh_per_second=12)

    def on_stage(self, stage: str) -> None:
        """Name what happens now."""
        self._show(stage, force=True)

    def on_reading(self, reading: Reading) -> None:
        """Show how many documents are read."""
        note = f"{count(reading.passages, 'passage')} · {reading.name}"
        self._show("Reading documents", reading.done, reading.total, note=note, force=reading.done == reading.total)

    def on_embedding(self, done: int, total: int) -> None:
        """Show how many passages can be found by meaning."""
        self._show("Embedding passages", done, total, force=done == total)

    def on_job(self, progress: JobProgress) -> None:
        """Show how far a job is, and which lesson is being made."""
        left = (
            f"about {duration(progress.eta_seconds)} left" if progress.eta_seconds and progress.eta_seconds >= 1 else ""
        )
        now = progress.running[0] if progress.running else None
        at_work = progress.job.status == "processing" or progress.job.status.is_final
        if now is None and at_work and self._stage:
            if progress.waits:
                self._show("Waiting for a model", note=progress.waits)
            return  # between two tasks, after the last, or all of them wait for a model: nothing new to tell
        stage = _STAGES.get(now.kind, "") if now else ""
        # Until there is an outline nobody knows how many tasks there will be.
        total = 0 if stage and now and now.kind != "content_validation" else progress.job.total_tasks
        note = making(now) if now and not stage else ""
        if not stage:
            stage = "Writing the course" if progress.job.total_tasks > _BEGINNING else "Waiting for a worker"
        self._show(stage, progress.settled, total, note=note, left=left)

    def done(self, text: str) -> None:
        """Leave a line behind for a stage that is over."""
        say("✓", text)

    def _show(
        self, stage: str, done: int = 0, total: int = 0, *, note: str = "", left: str = "", force: bool = False
    ) -> None:
        self._stage, self._done, self._total, self._note, self._left = stage, done, total, note, left
        if self._on_screen:
            return
        text = f"{stage} {done}/{total}" if total else stage
        due = stage != self._last_stage or time.monotonic() - self._last_line > _SECONDS_BETWEEN_LINES
        if text != self._last_text and (force or due):
            self._last_line, self._last_text, self._last_stage = time.monotonic(), text, stage
            stderr.print(" · ".join(part for part in (text, left, note) if part), soft_wrap=True, markup=False)

    def _view(self) -> RenderableType:
        if not self._stage:
            return Text()
        wide = stderr.width >= _NARROW
        line = Table.grid(padding=(0, 1))
        parts: list[RenderableType] = [self._spinner, Text(self._stage, style="bold", no_wrap=True)]
        if self._total:
            width = max(6, min(30, stderr.width - len(self._stage) - (38 if wide else 16)))
            parts.append(
                ProgressBar(self._total, self._done, width=width, complete_style="cyan", finished_style="cyan")
            )
            parts.append(Text(f"{self._done}/{self._total}", no_wrap=True))
        if wide and self._left:
            parts.append(Text(self._left, style="dim", no_wrap=True))
        line.add_row(*parts)
        below = self._note if wide else " · ".join(part for part in (self._left, self._note) if part)
        return Group(line, Text("  " + below, style="dim", no_wrap=True, overflow="ellipsis"))

    def __enter__(self) -> Self:
        if self._on_screen:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Take the bar off the screen; lines that were left behind stay."""
        self._stage = ""
        if self._on_screen:
            self._live.stop()


def making(now: Making) -> str:
    """Say what is being made: `Feeding and Forage › Sugar syrup`; a section named like its lesson once."""
    return " › ".join(part for part in dict.fromkeys((now.lesson, now.section or _PARTS.get(now.kind, ""))) if part)


__all__ = ["Display", "making"]
