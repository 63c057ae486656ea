"""The end of a course: put together, checked and measured, as one pure function that can be carried out apart."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from coursewright.course.checks import Finding, check
from coursewright.course.model import Course, Provenance
from coursewright.course.plan import CourseRequest, Outline
from coursewright.course.quality import Flag, KnowledgeSection, LeftOut, Quality, ReadingWarning, measure
from coursewright.documents.passages import Passage
from coursewright.generation.assemble import Outputs, assemble, pins
from coursewright.generation.graph import ANALYSIS

_SHOWN = 3  # documents that could not be read, in the job's message


@dataclass(frozen=True, slots=True)
class Conclusion:
    """A course with its quality report; `findings` says why it does not hold together, and then nothing is measured."""

    course: Course
    findings: tuple[Finding, ...] = ()
    quality: Quality | None = None


def conclude(
    outline: Outline,
    outputs: Outputs,
    passages: Sequence[Passage],
    request: CourseRequest,
    provenance: Provenance,
    course_id: str,
    *,
    left_out: Sequence[LeftOut],
    warnings: Sequence[ReadingWarning],
    substituted: Sequence[Flag] | None,
) -> Conclusion:
    """Return the course made of the `outputs` (by task identifier) of completed tasks; without modules: none is."""
    course = assemble(outline, outputs, passages, request, provenance, course_id)
    findings = tuple(finding for finding in check(course) if finding.severity == "error")
    if findings or not course.modules:
        return Conclusion(course, findings)
    notes = [f"Not honoured: {', '.join(request.unhonoured)}. That takes a model."] if request.unhonoured else []
    quality = measure(
        course,
        kb_sections=_sections_of(passages, course.language),
        pins=pins(outline),
        shortfalls=[*notes, *outline.notes, *_shortfalls(course, outputs, course_id)],
        gaps=outputs.get(ANALYSIS, {}).get("gaps", ()),
        left_out=left_out,
        warnings=warnings,
        level=request.level,
        unasked=request.questions_per_lesson == 0,
        substituted=substituted,
    )
    return Conclusion(course, quality=quality)


def summary(course: Course, quality: Quality) -> dict[str, Any]:
    """Return what the job's result says of its course."""
    lessons = [lesson for module in course.modules for lesson in module.lessons]
    questions = [len(course.exam.questions)]
    questions += [len(module.quiz.questions) for module in course.modules]
    questions += [len(lesson.assessment.questions) for lesson in lessons]
    stats = {
        "modules": len(course.modules),
        "lessons": len(lessons),
        "sections": sum(len(lesson.sections) for lesson in lessons),
        "questions": sum(questions),
        "sources": len(course.sources),
        "flagged": quality.flagged,
    }
    unread = [each.document for each in quality.left_out]
    more = f" and {len(unread) - _SHOWN} more" if len(unread) > _SHOWN else ""
    told = f" Not read: {', '.join(unread[:_SHOWN])}{more}; the quality report says why." if unread else ""
    return {"message": f"“{course.title}” is finished.{told}", "stats": stats}


def outline_summary(outline: Outline) -> dict[str, Any]:
    """Return what the result of a job says that stops after the outline."""
    lessons = [lesson for module in outline.modules for lesson in module.lessons]
    stats = {
        "modules": len(outline.modules),
        "lessons": len(lessons),
        "sections": sum(len(lesson.sections) for lesson in lessons),
    }
    return {"message": f"The outline of “{outline.title}” is finished.", "stats": stats}


def _sections_of(passages: Sequence[Passage], language: str) -> list[KnowledgeSection]:
    grouped: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for passage in passages:
        if passage.language in ("", language):
            grouped.setdefault((passage.document, passage.heading_path), []).append(passage.id)
    return [KnowledgeSection(document, path, tuple(ids)) for (document, path), ids in grouped.items()]


def _shortfalls(course: Course, outputs: Mapping[str, Mapping[str, Any]], course_id: str) -> list[str]:
    titles = {f"exam-{course_id}": course.title}
    for module in course.modules:
        titles[f"quiz-{module.id}"] = module.title
        titles |= {f"assessment-{lesson.id}": lesson.title for lesson in module.lessons}
    return [
        f"{titles[name]}: {shortfall}"
        for name, output in outputs.items()
        if name in titles and (shortfall := output.get("shortfall"))
    ]


__all__ = ["Conclusion", "conclude", "outline_summary", "summary"]
