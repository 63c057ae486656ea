"""Options that several commands share, and what they stand for.

The program itself is imported where a command runs: `--help` need not wait a second for what it does not use.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from coursewright.errors import InvalidRequest
from coursewright.exporters.formats import FORMATS, Format

if TYPE_CHECKING:
    from coursewright.app import Coursewright
    from coursewright.queue import Job
    from coursewright.settings import Settings

OUTPUT = "Output"
STORAGE = "Storage"
ALL_FORMATS = ",".join(FORMATS)

Out = Annotated[
    Path | None,
    typer.Option("--out", "-o", help="Where to write. Default: out/TITLE.", metavar="FOLDER", rich_help_panel=OUTPUT),
]
Json = Annotated[
    bool, typer.Option("--json", help="Print the result as JSON to stdout.", metavar="", rich_help_panel=OUTPUT)
]
Formats = Annotated[
    str,
    typer.Option("--format", help=f"Some of {ALL_FORMATS}. Default: all.", metavar="LIST", rich_help_panel=OUTPUT),
]
DataDir = Annotated[
    Path | None,
    typer.Option(
        "--data-dir",
        help="Where the embedded Postgres keeps its data. Default: .coursewright. Not used with DATABASE_URL.",
        metavar="FOLDER",
        rich_help_panel=STORAGE,
    ),
]
JobId = Annotated[
    str, typer.Argument(help="A job's id, or its first characters; `coursewright jobs` lists them.", metavar="JOB")
]


def settings(data_dir: Path | None, concurrency: int | None = None) -> Settings:
    """Return the settings, with what the command line says before what the environment says."""
    from coursewright.settings import Settings, WorkerSettings

    configured = Settings() if data_dir is None else Settings(data_dir=data_dir)
    if concurrency is None:
        return configured
    worker = WorkerSettings.model_validate(configured.worker.model_dump() | {"concurrency": concurrency})
    return configured.model_copy(update={"worker": worker})


def open_coursewright(
    configured: Settings, *, on_stage: Callable[[str], None] = lambda _: None
) -> AbstractAsyncContextManager[Coursewright]:
    """Open the program. Raises DatabaseUnavailable."""
    from coursewright.app import open_coursewright

    return open_coursewright(configured, on_stage=on_stage)


def formats(text: str) -> tuple[Format, ...]:
    """Return the formats of a list with commas. Raises InvalidRequest."""
    wanted = [part.strip() for part in text.split(",") if part.strip()]
    unknown = [name for name in wanted if name not in FORMATS]
    if unknown or not wanted:
        raise InvalidRequest(
            f"There is no format {', '.join(unknown) or text!r}.", hint="Formats: " + ", ".join(FORMATS)
        )
    return tuple(name for name in FORMATS if name in wanted)


def document_path(text: str) -> Path:
    """Return a path to read; an empty one (a shell variable that is not set) would be the current folder."""
    if not text.strip():
        raise typer.BadParameter("the path is empty")
    return Path(text)


async def find(program: Coursewright, job: str) -> Job:
    """Return the job that was named by its id or the beginning of it. Raises NotFound, InvalidRequest."""
    from coursewright.app import LOCAL_ORGANISATION

    return await program.jobs.find(job, LOCAL_ORGANISATION)


__all__ = [
    "ALL_FORMATS",
    "OUTPUT",
    "STORAGE",
    "DataDir",
    "Formats",
    "JobId",
    "Json",
    "Out",
    "document_path",
    "find",
    "formats",
    "open_coursewright",
    "settings",
]
