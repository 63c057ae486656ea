"""From documents to a course: `generate`, `demo`, `resume`, `open`."""

import asyncio
import re
import sys
import time
import webbrowser
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

import typer
from rich.markup import escape

from coursewright.app import Coursewright, KnowledgeBase, open_coursewright
from coursewright.cli.console import duration, print_json, stderr
from coursewright.cli.progress import Display
from coursewright.course.model import Course
from coursewright.course.plan import CourseRequest
from coursewright.course.quality import Quality
from coursewright.errors import InvalidRequest, NotFound
from coursewright.exporters import FORMATS, Format
from coursewright.settings import Settings

_STRUCTURE = "Structure (exact, or an error)"
_OUTPUT = "Output"
_ALL_FORMATS = ",".join(FORMATS)

Out = Annotated[Path | None, typer.Option("--out", "-o", help="Folder to write to.", rich_help_panel=_OUTPUT)]
DataDir = Annotated[
    Path | None, typer.Option("--data-dir", help="Folder of the embedded Postgres.", show_default=".coursewright")
]
Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON.", rich_help_panel=_OUTPUT)]
Formats = Annotated[str, typer.Option("--format", help="What to write, with commas.", rich_help_panel=_OUTPUT)]


def settings(data_dir: Path | None) -> Settings:
    """Return the settings, with the data folder of the command line before that of the environment."""
    return Settings() if data_dir is None else Settings(data_dir=data_dir)


def register(app: typer.Typer) -> None:
    """Add the commands of this group."""
    app.command()(generate)
    app.command()(demo)
    app.command()(resume)
    app.command(name="open")(open_course)


def generate(
    documents: Annotated[list[Path], typer.Argument(help="Folders and files.", show_default=False)],
    title: Annotated[str | None, typer.Option(help="Title of the course.")] = None,
    out: Out = None,
    author: Annotated[str, typer.Option(help="Who writes: extractive (no model, no key, no network).")] = "extractive",
    mode: Annotated[str, typer.Option(help="kb_only, kb_priority or kb_supplemented.")] = "kb_only",
    language: Annotated[str | None, typer.Option(help="en, de, fr, es, ja, ar. Default: the sources'.")] = None,
    level: Annotated[str | None, typer.Option(help="college, professional, 9th-grade, …")] = None,
    audience: Annotated[str | None, typer.Option(help="Who the course is for.")] = None,
    modules: Annotated[int | None, typer.Option(help="Modules.", rich_help_panel=_STRUCTURE)] = None,
    lessons: Annotated[int | None, typer.Option(help="Lessons in each module.", rich_help_panel=_STRUCTURE)] = None,
    sections: Annotated[int | None, typer.Option(help="Sections in each lesson.", rich_help_panel=_STRUCTURE)] = None,
    questions_per_lesson: Annotated[
        int | None, typer.Option(help="At most so many.", rich_help_panel=_STRUCTURE)
    ] = None,
    seed: Annotated[int, typer.Option(help="Another seed, another order of options and questions.")] = 0,
    data_dir: DataDir = None,
    formats: Formats = _ALL_FORMATS,
    strict: Annotated[bool, typer.Option("--strict", help="Refuse when any document cannot be read.")] = False,
    no_wait: Annotated[bool, typer.Option("--no-wait", help="Only enqueue, and print the job's id.")] = False,
    json: Json = False,
) -> None:
    """Make a course from documents.

    [dim]coursewright generate docs/ handbook.pdf --title "Running Debian" --out out/debian[/]

    [dim]coursewright generate docs/ --modules 2 --lessons 3 --language en[/]
    """
    request = CourseRequest.model_validate(
        {
            "title": title, "author": author, "mode": mode, "language": language, "level": level, "audience": audience,
            "modules": modules, "lessons": lessons, "sections": sections,
            "questions_per_lesson": questions_per_lesson, "seed": seed,
        }
    )  # fmt: skip
    target = out or Path("out") / _slug(title or documents[0].resolve().stem)
    asyncio.run(
        _generate(
            documents,
            request,
            target,
            settings(data_dir),
            _formats(formats),
            strict=strict,
            wait=not no_wait,
            json=json,
        )
    )


def demo(
    out: Out = Path("out/demo"),
    author: Annotated[str, typer.Option(help="Who writes.")] = "extractive",
    data_dir: DataDir = None,
    json: Json = False,
) -> None:
    """Make a course from the example handbook that comes with Coursewright.

    [dim]coursewright demo && coursewright open out/demo[/]
    """
    request = CourseRequest.model_validate({"author": author, "title": "Keeping Honey Bees"})
    target = out or Path("out/demo")
    asyncio.run(
        _generate([_examples()], request, target, settings(data_dir), FORMATS, strict=False, wait=True, json=json)
    )


def resume(
    job: Annotated[UUID, typer.Argument(help="The job's id; see `coursewright jobs`.", show_default=False)],
    out: Out = None,
    data_dir: DataDir = None,
    formats: Formats = _ALL_FORMATS,
    json: Json = False,
) -> None:
    """Go on with a job after Ctrl-C, a crash or a failure; nothing that is finished is done again.

    [dim]coursewright resume 3f1c… --out out/debian[/]
    """
    asyncio.run(_resume(job, out, settings(data_dir), _formats(formats), json=json))


def open_course(
    folder: Annotated[Path, typer.Argument(help="Where the course was written.")] = Path("out/demo"),
) -> None:
    """Open a course in the browser.

    [dim]coursewright open out/debian[/]
    """
    page = folder / "site" / "index.html"
    if not page.is_file():
        raise NotFound(f"There is no course in {folder}.", hint=f"`coursewright generate … --out {folder}` makes one.")
    stderr.print(page.resolve().as_uri(), soft_wrap=True)
    webbrowser.open(page.resolve().as_uri())


async def _generate(
    documents: list[Path],
    request: CourseRequest,
    out: Path,
    configured: Settings,
    formats: tuple[Format, ...],
    *,
    strict: bool,
    wait: bool,
    json: bool,
) -> None:
    began = time.monotonic()
    with Display() as display:
        async with open_coursewright(configured, on_stage=display.on_stage) as program:
            base = await program.read(documents, strict=strict, on_progress=display.on_reading)
            display.done(f"Read {_count(base.documents, 'document')}: {_count(base.passages, 'passage')}")
            _tell_left_out(base)
            job_id, goes_on = await program.enqueue(base, request)
            if not wait:
                print_json({"job": str(job_id)}) if json else sys.stdout.write(f"{job_id}\n")
                return
            if goes_on:
                display.done(f"Going on with job {job_id}")
            await _work(program, job_id, out, formats, display, began, base, json=json)


def _tell_left_out(base: KnowledgeBase) -> None:
    reasons: dict[str, list[str]] = {}
    for each in base.left_out:
        reasons.setdefault(each.reason, []).append(each.document)
    for reason, names in reasons.items():
        shown = names[0] if len(names) == 1 else f"{len(names)} files ({names[0]}, …)"
        stderr.print(f"[yellow]![/] left out {escape(shown)}: {escape(reason)}", soft_wrap=True)


async def _resume(
    job_id: UUID, out: Path | None, configured: Settings, formats: tuple[Format, ...], *, json: bool
) -> None:
    began = time.monotonic()
    with Display() as display:
        async with open_coursewright(configured, on_stage=display.on_stage) as program:
            job = await program.jobs.get(job_id)
            if job.status == "paused":
                await program.jobs.resume(job_id)
            elif job.status in ("failed", "completed") and job.failed_tasks:
                await program.jobs.retry_failed(job_id)
            title = job.job_data.get("request", {}).get("title")
            target = out or Path("out") / _slug(title or str(job_id)[:8])
            await _work(program, job_id, target, formats, display, began, None, json=json)


async def _work(
    program: Coursewright,
    job_id: UUID,
    out: Path,
    formats: tuple[Format, ...],
    display: Display,
    began: float,
    base: KnowledgeBase | None,
    *,
    json: bool,
) -> None:
    try:
        job = await program.finish(job_id, on_progress=display.on_job)
    except asyncio.CancelledError:
        stderr.print(
            f"\n[yellow]![/] Stopped; what is finished is kept. Go on:\n  coursewright resume {job_id} --out {out}",
            soft_wrap=True,
        )
        raise
    paths = await program.export(job_id, out, formats)
    course, quality = await program.course(job_id)
    display.done(f"Wrote “{escape(course.title)}” in {duration(time.monotonic() - began)}")
    if json:
        print_json(_result(job_id, out, course, quality, paths))
    else:
        _report(out, course, quality, job.error_message, base)


def _report(out: Path, course: Course, quality: Quality, message: str | None, base: KnowledgeBase | None) -> None:
    lessons = [lesson for module in course.modules for lesson in module.lessons]
    questions = sum(len(lesson.assessment.questions) for lesson in lessons)
    questions += sum(len(module.quiz.questions) for module in course.modules) + len(course.exam.questions)
    stderr.print(
        f"  {_count(len(course.modules), 'module')}, {_count(len(lessons), 'lesson')}, "
        f"{_count(sum(len(lesson.sections) for lesson in lessons), 'section')}, {_count(questions, 'question')}, "
        f"{_count(len(course.sources), 'cited source passage', 'source passages')}"
    )
    if message:
        stderr.print(f"[yellow]![/] {escape(message)}", soft_wrap=True)
    for measure in quality.measures:
        if measure.passed is False:
            stderr.print(f"[yellow]![/] look at: {escape(measure.title)} ({measure.value}, aim {escape(measure.aim)})")
    if quality.shortfalls:
        stderr.print(f"[yellow]![/] {_count(len(quality.shortfalls), 'note')} for the author in {out}/quality.json")
    page = (out / "site" / "index.html").resolve()
    if page.is_file():
        stderr.print(f"\n  Course   [link={page.as_uri()}]{page.as_uri()}[/link]", soft_wrap=True)
        stderr.print(f"  Open it  coursewright open {out}", soft_wrap=True)


def _result(job_id: UUID, out: Path, course: Course, quality: Quality, paths: tuple[Path, ...]) -> dict[str, Any]:
    return {
        "job": str(job_id),
        "title": course.title,
        "language": course.language,
        "out": str(out),
        "files": [str(path) for path in paths],
        "flagged": quality.flagged,
        "left_out": [each.model_dump() for each in quality.left_out],
    }


def _count(n: int, one: str, many: str = "") -> str:
    return f"{n:,} {one if n == 1 else many or one + 's'}"


def _slug(text: str) -> str:
    return re.sub(r"[^\w]+", "-", text.lower()).strip("-")[:60] or "course"


def _formats(text: str) -> tuple[Format, ...]:
    wanted = [part.strip() for part in text.split(",") if part.strip()]
    unknown = [name for name in wanted if name not in FORMATS]
    if unknown or not wanted:
        raise InvalidRequest(
            f"There is no format {', '.join(unknown) or text!r}.", hint="Formats: " + ", ".join(FORMATS)
        )
    return tuple(name for name in FORMATS if name in wanted)


def _examples() -> Path:
    """Return the folder of the example handbook: in the wheel beside the code, in a checkout at its root."""
    for base in (Path(str(files("coursewright"))), Path(__file__).parents[3]):
        folder = base / "examples" / "knowledge-base"
        if folder.is_dir():
            return folder
    raise NotFound("The example handbook is not installed.", hint="Run `coursewright generate` on your own documents.")


__all__ = ["register", "settings"]
