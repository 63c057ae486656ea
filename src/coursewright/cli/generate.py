"""From documents to a course: `generate`, `demo`, `resume`, `open`."""

from __future__ import annotations

import asyncio
import re
import sys
import time
import webbrowser
from dataclasses import dataclass, field
from decimal import Decimal
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal
from uuid import UUID

import typer

from coursewright.cli.console import command, count, duration, near, print_json, say
from coursewright.cli.help import Command
from coursewright.cli.names import asked_of, short, titles
from coursewright.cli.options import (
    ALL_FORMATS,
    COURSE,
    MODEL,
    OUTPUT,
    STRUCTURE,
    BaseUrl,
    Budget,
    DataDir,
    Detail,
    Fallback,
    Formats,
    JobId,
    Json,
    Lessons,
    Model,
    Modules,
    Out,
    PriceOption,
    Sections,
    Urgency,
    document_path,
    find,
    formats,
    open_coursewright,
    settings,
    with_model,
)
from coursewright.cli.progress import Display
from coursewright.cli.report import result, tell_course, tell_reading, title_in
from coursewright.cli.spending import ModelOptions, raised_cap, spent, spent_json, spent_text, tell_quote
from coursewright.errors import DatabaseUnavailable, Interrupted, NeedsAction, NotFound, OutputError
from coursewright.exporters.formats import FORMATS, MARKER, Format

if TYPE_CHECKING:
    from coursewright.app import Coursewright
    from coursewright.course.plan import CourseRequest
    from coursewright.settings import Settings

_RUN = "Running"
_PANEL = "Make a course"


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to be done with a course once it is made."""

    out: Path
    formats: tuple[Format, ...]
    json: bool
    data_dir: Path | None
    options: ModelOptions = field(default_factory=ModelOptions)


def register(app: typer.Typer) -> None:
    """Add the commands of this group."""
    app.command(
        cls=Command,
        rich_help_panel=_PANEL,
        epilog="""\
coursewright demo
coursewright demo --out out/bees && coursewright open out/bees""",
    )(demo)
    app.command(
        cls=Command,
        rich_help_panel=_PANEL,
        epilog="""\
coursewright generate docs/
coursewright generate docs/ handbook.pdf --title "Running Debian" --out out/debian  # files and folders in any mixture
coursewright generate docs/ --model openai:gpt-5.4-mini --budget 0.50  # a model writes, for half a dollar at most
coursewright generate docs/ --modules 2 --lessons 3 --questions-per-lesson 5  # a course of this shape
job=$(coursewright generate docs/ --no-wait)  # only enqueue; a worker carries it out""",
    )(generate)
    app.command(
        cls=Command,
        rich_help_panel=_PANEL,
        epilog="""\
coursewright resume 3f1c
coursewright resume 3f1c --budget 2  # after its cap was reached
coursewright resume 3f1c --out out/again  # write a finished course once more, elsewhere""",
    )(resume)
    app.command(
        name="open",
        cls=Command,
        rich_help_panel=_PANEL,
        epilog="""\
coursewright open  # the newest course below out/
coursewright open out/debian""",
    )(open_course)


def generate(
    documents: Annotated[
        list[Path], typer.Argument(help="Files and folders to read.", metavar="DOCUMENTS...", parser=document_path)
    ],
    title: Annotated[
        str | None, typer.Option(help="Default: follows from the documents.", metavar="TEXT", rich_help_panel=COURSE)
    ] = None,
    language: Annotated[
        str | None,
        typer.Option(
            help="en, de, fr, es, ja or ar. Default: the documents' own.", metavar="CODE", rich_help_panel=COURSE
        ),
    ] = None,
    level: Annotated[
        str | None,
        typer.Option(
            help="kindergarten, 1st-grade to 12th-grade, college, graduate, professional or master.",
            metavar="LEVEL",
            rich_help_panel=COURSE,
        ),
    ] = None,
    audience: Annotated[
        str | None, typer.Option(help="Who the course is for.", metavar="TEXT", rich_help_panel=COURSE)
    ] = None,
    author: Annotated[
        Literal["extractive", "llm"] | None,
        typer.Option(
            help="Who writes. extractive: verbatim from the documents, no model, no key, no network. llm: a language "
            "model. Default: llm where a model is named or has a key, else extractive.",
            metavar="NAME",
            rich_help_panel=COURSE,
        ),
    ] = None,
    mode: Annotated[
        Literal["kb_only", "kb_priority", "kb_supplemented"],
        typer.Option(
            help="How closely to the documents: kb_only (default), kb_priority or kb_supplemented.",
            metavar="MODE",
            rich_help_panel=COURSE,
        ),
    ] = "kb_only",
    detail: Detail = None,
    modules: Modules = None,
    lessons: Lessons = None,
    sections: Sections = None,
    questions_per_lesson: Annotated[
        int | None,
        typer.Option(help="At most so many; fewer are reported.", metavar="N", rich_help_panel=STRUCTURE),
    ] = None,
    model: Model = None,
    base_url: BaseUrl = None,
    budget: Budget = None,
    price: PriceOption = None,
    fallback: Fallback = None,
    urgency: Urgency = "normal",
    no_substitute: Annotated[
        bool,
        typer.Option(
            "--no-substitute",
            help="A part that the model cannot write fails; default: the built-in author writes it.",
            metavar="",
            rich_help_panel=MODEL,
        ),
    ] = False,
    refresh: Annotated[
        bool,
        typer.Option("--refresh", help="Use no answer that is kept; ask anew.", metavar="", rich_help_panel=MODEL),
    ] = False,
    out: Out = None,
    formats_: Formats = ALL_FORMATS,
    json: Json = False,
    strict: Annotated[
        bool,
        typer.Option("--strict", help="Refuse when any document cannot be read.", metavar="", rich_help_panel=_RUN),
    ] = False,
    no_wait: Annotated[
        bool, typer.Option("--no-wait", help="Only enqueue, and print the job's id.", metavar="", rich_help_panel=_RUN)
    ] = False,
    seed: Annotated[
        int,
        typer.Option(
            help="Same documents, options and seed: the same course. Default: 0.", metavar="N", rich_help_panel=_RUN
        ),
    ] = 0,
    data_dir: DataDir = None,
) -> None:
    """Make a course from documents.

    A language model writes when one is named or has a key in the environment (OPENAI_API_KEY, ANTHROPIC_API_KEY), else
    the built-in author. Reads Markdown, HTML, PDF, DOCX, EPUB, PPTX, XLSX, CSV, subtitles and text. Goes on where an
    earlier run with the same documents and options stopped.
    """
    from coursewright.course.plan import CourseRequest

    options = ModelOptions(
        model, base_url, price, budget, tuple(fallback or ()), urgency, substitute=not no_substitute, refresh=refresh
    )
    configured = with_model(settings(data_dir), model, base_url, price)
    request = CourseRequest.model_validate(
        {
            "title": title, "author": options.author(author, configured), "model": model, "mode": mode,
            "language": language, "level": level, "audience": audience, "detail": detail,
            "modules": modules, "lessons": lessons, "sections": sections,
            "questions_per_lesson": questions_per_lesson, "seed": seed,
        }
    )  # fmt: skip
    _refuse_early(request)
    target = out or Path("out") / _slug(title or documents[0].resolve().stem)
    wish = Wish(target, formats(formats_), json, data_dir, options)
    asyncio.run(_generate(documents, request, wish, configured, strict=strict, wait=not no_wait))


def demo(
    out: Annotated[
        Path,
        typer.Option(
            "--out", "-o", help="Where to write. Default: out/demo.", metavar="FOLDER", rich_help_panel="Output"
        ),
    ] = Path("out/demo"),
    author: Annotated[
        Literal["extractive", "llm"], typer.Option(help="Who writes. Default: extractive.", metavar="NAME")
    ] = "extractive",
    json: Json = False,
    data_dir: DataDir = None,
) -> None:
    """Make a course from the example handbook that comes with the program."""
    from coursewright.course.plan import CourseRequest

    request = CourseRequest(author=author, title="Keeping Honey Bees")
    wish = Wish(out, FORMATS, json, data_dir)
    asyncio.run(_generate([_examples()], request, wish, settings(data_dir), strict=False, wait=True))


def resume(
    job: JobId,
    budget: Annotated[
        float | None,
        typer.Option(
            help="Hard cap in dollars from now on. Default: as before.", metavar="DOLLARS", min=0, rich_help_panel=MODEL
        ),
    ] = None,
    base_url: BaseUrl = None,
    price: PriceOption = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            help="Where to write. Default: where `generate` was asked to.",
            metavar="FOLDER",
            rich_help_panel=OUTPUT,
        ),
    ] = None,
    formats_: Formats = ALL_FORMATS,
    json: Json = False,
    data_dir: DataDir = None,
) -> None:
    """Go on with a job after Ctrl-C, a crash, a failure or a pause.

    Nothing that is finished is done again, and nothing that was answered is paid again. The course is written where
    `generate` was asked to write it.
    """
    options = ModelOptions(base_url=base_url, price=price, budget=budget)
    asyncio.run(_resume(job, out, formats(formats_), settings(data_dir), options, json=json, data_dir=data_dir))


def open_course(
    folder: Annotated[
        Path | None,
        typer.Argument(help="Where the course was written. Default: the newest below out/.", metavar="FOLDER"),
    ] = None,
) -> None:
    """Open a course in the browser."""
    page = _newest("*/site/index.html") if folder is None else folder / "site" / "index.html"
    if page is None or not page.is_file():
        where = folder or (course.parent if (course := _newest("*/course.json")) else Path("out"))
        if (where / MARKER).is_file():
            raise NotFound(
                f"The course in {where} was written without its site.",
                hint=f"{command('resume', 'JOB', '--out', where)} writes it; {command('jobs')} lists the jobs.",
            )
        raise NotFound(
            f"There is no course in {where}.", hint=f"{command('generate', 'DOCUMENTS', '--out', where)} makes one."
        )
    sys.stdout.write(f"{page.resolve().as_uri()}\n")
    if not webbrowser.open(page.resolve().as_uri()):
        say("!", "No browser was found here; open the link above in one.")


def _refuse_early(request: CourseRequest) -> None:
    """Raise `InvalidRequest` for what the author cannot do, before minutes of reading."""
    from coursewright.generation.authors.extractive.analysis import refuse_what_needs_a_model
    from coursewright.generation.authors.extractive.catalogue import catalogue

    if request.author == "extractive":
        refuse_what_needs_a_model(request)
        if request.language:
            catalogue(request.language)


async def _generate(
    documents: list[Path], request: CourseRequest, wish: Wish, configured: Settings, *, strict: bool, wait: bool
) -> None:
    from coursewright.exporters.export import check_folder

    began = time.monotonic()
    check_folder(wish.out)  # before minutes of work, not after
    with Display() as display:
        async with open_coursewright(configured, on_stage=display.on_stage) as program:
            try:
                base = await program.read(
                    documents, strict=strict, on_progress=display.on_reading, on_embedding=display.on_embedding
                )
                display.done(f"Read {count(base.documents, 'document')}, {count(base.passages, 'passage')}")
                tell_reading(base)
                terms = wish.options.terms()
                if request.author == "llm":
                    quote = await program.quote(base, request, terms)
                    tell_quote(quote, terms)
                out, refresh = str(wish.out.absolute()), wish.options.refresh
                job_id, goes_on = await program.enqueue(base, request, out, terms=terms, refresh=refresh)
            except asyncio.CancelledError:
                raise Interrupted(
                    "Stopped before there was a job.", hint="The same command goes on; what is read is kept."
                ) from None
            if not wait:
                print_json({"job": str(job_id)}) if wish.json else sys.stdout.write(f"{job_id}\n")
                return
            if goes_on:
                display.done(f"Going on with job {short(job_id)}")
            await _work(program, job_id, wish, display, began)


async def _resume(
    job: str,
    out: Path | None,
    wanted: tuple[Format, ...],
    configured: Settings,
    options: ModelOptions,
    *,
    json: bool,
    data_dir: Path | None,
) -> None:
    from coursewright.exporters.export import check_folder

    began = time.monotonic()
    if options.price is not None:  # whatever model it is about: the job knows
        from coursewright.llm.providers.configured import NAMES as PROVIDERS

        prices = configured.gateway.prices | {f"{name}:*": options.price for name in PROVIDERS}
        gateway = configured.gateway.model_copy(update={"prices": prices})
        configured = configured.model_copy(update={"gateway": gateway})
    with Display() as display:
        async with open_coursewright(
            with_model(configured, None, options.base_url, None), on_stage=display.on_stage
        ) as program:
            found = await find(program, job)
            title = (await titles(program, [found]))[found.id]
            target = out or near(Path(asked_of(found).get("out") or Path("out") / _slug(title)))
            check_folder(target)
            await program.resume(found.id, None if options.budget is None else Decimal(str(options.budget)))
            await _work(program, found.id, Wish(target, wanted, json, data_dir, options), display, began)


async def _work(program: Coursewright, job_id: UUID, wish: Wish, display: Display, began: float) -> None:
    from coursewright.db.pool import is_unavailable

    try:
        job = await program.finish(
            job_id,
            on_progress=display.on_job,
            on_stopping=lambda: display.on_stage("Stopping: what runs may finish"),
        )
    except asyncio.CancelledError:
        progress = await program.progress(job_id)
        raise Interrupted(
            f"Stopped after {progress.settled} of {progress.job.total_tasks} tasks; they are kept. To go on:\n"
            + command("resume", short(job_id), *_where(wish))
        ) from None
    except NeedsAction as error:
        raise NeedsAction(error.detail, hint=await _way_on(program, job_id, wish, error.detail)) from error
    except Exception as error:
        if not is_unavailable(error):
            raise
        why = str(error).strip().splitlines()[0]
        raise DatabaseUnavailable(f"The database went away: {why}", hint=_go_on(job_id, wish)) from error
    display.on_stage("Writing files")
    before = title_in(wish.out)
    try:
        paths = await program.export(job_id, wish.out, wish.formats)
    except OutputError as error:
        again = command("resume", short(job_id), *_where(wish), "--out", "FOLDER")
        hint = f"{error.hint} The course is safe in the database:\n{again}"
        raise OutputError(error.detail, hint=hint) from error
    except asyncio.CancelledError:
        raise Interrupted(
            "Stopped while writing files; the course is safe in the database. To write it:\n"
            + command("resume", short(job_id), *_where(wish))
        ) from None
    course, quality = await program.course(job_id)
    bill = await spent(program, job_id) if course.provenance.author == "llm" else None
    display.close()
    if before is not None and before != course.title:
        say("!", f"{near(wish.out)} held the course “{before}”; it was replaced.")
    display.done(f"Made “{course.title}” in {duration(time.monotonic() - began)}")
    if wish.json:
        print_json(result(job, wish.out, course, quality, paths) | ({"spent": spent_json(*bill)} if bill else {}))
    else:
        cost = spent_text(*bill, short(job_id)) if bill else ""
        tell_course(wish.out, course, quality, job.error_message, cost)


def _go_on(job_id: UUID, wish: Wish) -> str:
    return f"What is finished is kept. To go on:\n{command('resume', short(job_id), *_where(wish))}"


async def _way_on(program: Coursewright, job_id: UUID, wish: Wish, because: str) -> str:
    raised = await raised_cap(program, job_id, because)
    return f"To go on:\n{command('resume', short(job_id), *_where(wish), *raised)}"


def _where(wish: Wish) -> tuple[object, ...]:
    data_dir = () if wish.data_dir is None else ("--data-dir", wish.data_dir)
    return (*data_dir, *wish.options.reach())


def _slug(text: str) -> str:
    return re.sub(r"[^\w]+", "-", text.lower()).strip("-")[:60] or "course"


def _newest(pattern: str) -> Path | None:
    return max(Path("out").glob(pattern), key=lambda path: path.stat().st_mtime, default=None)


def _examples() -> Path:
    """Return the folder of the example handbook: in the wheel beside the code, in a checkout at its root."""
    for base in (Path(str(files("coursewright"))), Path(__file__).parents[3]):
        folder = base / "examples" / "knowledge-base"
        if folder.is_dir():
            return folder
    raise NotFound("The example handbook is not installed.", hint="Run `coursewright generate` on your own documents.")


__all__ = ["register"]
