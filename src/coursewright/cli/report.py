"""What is said when a course is made: what it holds, what deserves a look and where, and what to do next."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.markup import escape

from coursewright.cli.console import command, count, near, say, stderr

if TYPE_CHECKING:
    from coursewright.app import KnowledgeBase
    from coursewright.course.model import Course
    from coursewright.course.quality import Quality
    from coursewright.course.quality.report import Measure
    from coursewright.queue import Job

_SHOWN_WARNINGS = 5  # of reading
_SHOWN_FLAGS = 3  # of each measure; the rest is in quality.json


def tell_reading(base: KnowledgeBase) -> None:
    """Name the documents that are not used (files of one reason in one line) and those that were not read whole."""
    for reason, names in _grouped((each.reason, each.document) for each in base.left_out).items():
        say("!", f"left out {_named(names)}: {reason}")
    warned = _grouped((each.document, each.warning) for each in base.warnings)
    alike = _grouped(("; ".join(warnings), name) for name, warnings in warned.items())
    for warning, names in list(alike.items())[:_SHOWN_WARNINGS]:
        say("!", f"{_named(names)}: {warning}")
    if more := sum(len(names) for names in list(alike.values())[_SHOWN_WARNINGS:]):
        say("!", f"{count(more, 'more document')} not read whole")


def _grouped(pairs: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for key, value in pairs:
        found.setdefault(key, []).append(value)
    return found


def _named(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{len(names)} files ({names[0]}, …)"


def tell_course(out: Path, course: Course, quality: Quality, message: str | None, cost: str = "") -> None:
    """Print the summary that follows a finished course."""
    stderr.print(f"  {_contents(course)}", soft_wrap=True)
    stderr.print(f"  {escape(cost)}\n" if cost else "", soft_wrap=True)
    if flags := list(_flags(course, quality, message)):
        stderr.print("[bold]Worth a look[/]")
        for text, places in flags:
            stderr.print(f"  [yellow]![/] {escape(text)}", soft_wrap=True)
            for place in places:
                _tell_place(place)
        if (out / "quality.json").is_file():
            stderr.print(f"    [dim]all of it: {escape(str(near(out) / 'quality.json'))}[/]", soft_wrap=True)
        stderr.print()
    page = (out / "site" / "index.html").resolve()
    stderr.print("[bold]Next[/]")
    rows = [("course", f"[link={page.as_uri()}]{escape(page.as_uri())}[/link]")] if page.is_file() else []
    rows += [("open it", escape(command("open", near(out))))] if page.is_file() else []
    rows += [("files", escape(f"{', '.join(sorted(path.name for path in _files(out)))} in {near(out)}"))]
    for name, text in rows:
        stderr.print(f"  [dim]{name:<8}[/] {text}", soft_wrap=True)


def result(job: Job, out: Path, course: Course, quality: Quality, paths: tuple[Path, ...]) -> dict[str, Any]:
    """Return what `--json` prints; `left_out` as it was told when the documents were read."""
    left_out = job.job_data.get("leftOut", [each.model_dump() for each in quality.left_out])
    return {
        "job": str(job.id),
        "title": course.title,
        "language": course.language,
        "out": str(out),
        "files": [str(path) for path in paths],
        "flagged": quality.flagged,
        "left_out": left_out,
        "warnings": [each.model_dump() for each in quality.warnings],
        "shortfalls": list(quality.shortfalls),
        "gaps": list(quality.gaps),
    }


def title_in(out: Path) -> str | None:
    """Return the title of the course that a folder holds, if any."""
    try:
        return str(json.loads((out / "course.json").read_bytes())["title"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _tell_place(place: str) -> None:
    # One line each in a terminal: the whole text stands in quality.json.
    cut = stderr.is_terminal and len(place) > stderr.width - 4
    shown = place[: max(20, stderr.width - 5)].rstrip() + "…" if cut else place
    stderr.print(f"    [dim]{escape(shown)}[/]", soft_wrap=True)


def _contents(course: Course) -> str:
    from coursewright.course import walk

    lessons = [lesson for module in course.modules for lesson in module.lessons]
    questions = sum(len(lesson.assessment.questions) for lesson in lessons)
    questions += sum(len(module.quiz.questions) for module in course.modules) + len(course.exam.questions)
    return " · ".join(
        (
            count(len(course.modules), "module"),
            count(len(lessons), "lesson"),
            count(sum(len(lesson.sections) for lesson in lessons), "section"),
            count(questions, "question"),
            count(len({citation.passage_id for _, citation in walk.citations(course)}), "cited passage"),
        )
    )


def _flags(course: Course, quality: Quality, message: str | None) -> Iterator[tuple[str, list[str]]]:
    if message:
        yield message, []
    names = dict(_names(course))
    for measure in quality.measures:
        if measure.passed is False:
            found = list(dict.fromkeys(f"{_place(flag.where, names)}: {flag.what}" for flag in measure.flags))
            yield f"{measure.title}: {_value(measure)}", _first(found)
    for told, lines in (
        ("Left out, or fewer than asked for", quality.shortfalls),
        ("Not covered by the documents", quality.gaps),
    ):
        if lines:
            yield told, _first(lines)


def _first(lines: Sequence[str]) -> list[str]:
    more = len(lines) - _SHOWN_FLAGS
    return [*lines[:_SHOWN_FLAGS], *([f"and {more} more"] if more > 0 else [])]


def _value(measure: Measure) -> str:
    def percent(text: str) -> str:
        return f"{float(text):.1%}".replace(".0%", "%").replace("%", " %")

    bound = re.fullmatch(r"(at least |at most |)([01]\.\d+)", measure.aim)
    if bound and measure.value is not None and measure.value <= 1:
        return f"{percent(str(measure.value))}, aim {bound[1]}{percent(bound[2])}"
    return f"{measure.value:g}, aim {measure.aim}" if measure.value is not None else f"none, aim {measure.aim}"


def _names(course: Course) -> Iterator[tuple[str, str]]:
    """Yield ids with the words that a reader of the course knows them by."""
    for m, module in enumerate(course.modules, 1):
        yield module.id, f"Module {m} “{module.title}”"
        for n, lesson in enumerate(module.lessons, 1):
            yield lesson.id, f"Lesson {m}.{n} “{lesson.title}”"
            for section in lesson.sections:
                yield section.id, f"“{section.title}”"
            for number, question in enumerate(lesson.assessment.questions, 1):
                yield question.id, f"question {number}"
        for number, question in enumerate(module.quiz.questions, 1):
            yield question.id, f"quiz question {number}"
    yield "exam", "Final exam"
    for number, question in enumerate(course.exam.questions, 1):
        yield question.id, f"question {number}"


def _place(where: str, names: dict[str, str]) -> str:
    known = [names[part] for part in where.split("/") if part in names]
    if len(known) > 1 and known[0].startswith("Module") and known[1].startswith("Lesson"):
        known = known[1:]
    return ", ".join(known) or where.capitalize()


def _files(out: Path) -> Iterator[Path]:
    return (path for path in out.iterdir() if not path.name.startswith(".") and path.suffix)


__all__ = ["result", "tell_course", "tell_reading", "title_in"]
