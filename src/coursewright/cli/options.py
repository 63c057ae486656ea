"""Options that several commands share, and what they stand for."""

from pathlib import Path
from typing import Annotated

import typer

from coursewright.app import LOCAL_ORGANISATION, Coursewright
from coursewright.errors import InvalidRequest
from coursewright.exporters import FORMATS, Format
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


def settings(data_dir: Path | None) -> Settings:
    """Return the settings, with the data folder of the command line before that of the environment."""
    return Settings() if data_dir is None else Settings(data_dir=data_dir)


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
    "settings",
]
