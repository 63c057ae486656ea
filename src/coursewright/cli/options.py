"""Options that several commands share, and what they stand for.

The program itself is imported where a command runs: `--help` need not wait a second for what it does not use.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from coursewright.cli.console import command, near
from coursewright.errors import InvalidRequest, NotFound
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
    typer.Option(
        "--out",
        "-o",
        help="Where to write. Default: out/ and the title, or the documents' name.",
        metavar="FOLDER",
        rich_help_panel=OUTPUT,
    ),
]
Concurrency = Annotated[
    int | None,
    typer.Option(
        help="Tasks at once. Default: 32 where a language model is configured, else 4.", min=1, max=10_000, metavar="N"
    ),
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


COURSE = "Course"
MODEL = "Language model"
STRUCTURE = "Structure (exact, or an error that says why)"

Model = Annotated[
    str | None,
    typer.Option(
        help="openai:NAME, anthropic:NAME or compatible:NAME. Default: of the settings, or as the key in the "
        "environment suggests.",
        metavar="PROVIDER:NAME",
        rich_help_panel=MODEL,
    ),
]
BaseUrl = Annotated[
    str | None,
    typer.Option(
        "--base-url",
        help="Address of `compatible`, such as http://localhost:11434/v1 (Ollama).",
        metavar="URL",
        rich_help_panel=MODEL,
    ),
]
PriceOption = Annotated[
    str | None,
    typer.Option(
        "--price",
        help="Dollars a million tokens, input/output, where nobody else knows; 0: free.",
        metavar="IN/OUT",
        rich_help_panel=MODEL,
    ),
]
Budget = Annotated[
    float | None,
    typer.Option(help="Hard cap in dollars. Default: 1.", metavar="DOLLARS", min=0, rich_help_panel=MODEL),
]
Fallback = Annotated[
    list[str] | None,
    typer.Option(
        help="Model to ask while the one before fails; may be given again.",
        metavar="PROVIDER:NAME",
        rich_help_panel=MODEL,
    ),
]
Urgency = Annotated[
    Literal["normal", "batch"],
    typer.Option(help="batch: half the price, up to a day.", metavar="URGENCY", rich_help_panel=MODEL),
]
Detail = Annotated[
    Literal["basic", "detailed", "comprehensive"] | None,
    typer.Option(
        help="Length of sections: basic (220 words), detailed (400, the default) or comprehensive (650). The built-in "
        "author knows only detailed.",
        metavar="DETAIL",
        rich_help_panel=COURSE,
    ),
]
Modules = Annotated[int | None, typer.Option(help="Modules.", metavar="N", rich_help_panel=STRUCTURE)]
Lessons = Annotated[int | None, typer.Option(help="Lessons in each module.", metavar="N", rich_help_panel=STRUCTURE)]
Sections = Annotated[int | None, typer.Option(help="Sections in each lesson.", metavar="N", rich_help_panel=STRUCTURE)]


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


def with_model(configured: Settings, model: str | None, base_url: str | None, price: str | None) -> Settings:
    """Return the settings with the endpoint and the price of the command line. Raises InvalidRequest."""
    if base_url is not None:
        providers = configured.providers.model_copy(update={"base_url": base_url})
        configured = configured.model_copy(update={"providers": providers})
    if price is not None:
        named = model or configured.providers.model
        if named is None:
            raise InvalidRequest("--price says what a model costs.", hint="Say which one: --model PROVIDER:NAME.")
        prices = configured.gateway.prices | {named: price}
        gateway = configured.gateway.model_copy(update={"prices": prices})
        configured = configured.model_copy(update={"gateway": gateway})
    return configured


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
    try:
        return await program.jobs.find(job)
    except NotFound as error:
        configured = program.settings
        elsewhere = configured.database_url is None and configured.data_dir != type(configured)().data_dir
        words = ("jobs", *(("--data-dir", near(configured.data_dir)) if elsewhere else ()))
        raise NotFound(error.detail, hint=f"{command(*words)} lists the jobs.") from error


__all__ = [
    "ALL_FORMATS",
    "COURSE",
    "MODEL",
    "OUTPUT",
    "STORAGE",
    "STRUCTURE",
    "BaseUrl",
    "Budget",
    "Concurrency",
    "DataDir",
    "Detail",
    "Fallback",
    "Formats",
    "JobId",
    "Json",
    "Lessons",
    "Model",
    "Modules",
    "Out",
    "PriceOption",
    "Sections",
    "Urgency",
    "document_path",
    "find",
    "formats",
    "open_coursewright",
    "settings",
    "with_model",
]
