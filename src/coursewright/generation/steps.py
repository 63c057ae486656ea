"""What a worker does for each kind of task: load the pinned inputs, let the author write, return an outcome."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, Protocol
from uuid import UUID

from coursewright import __version__
from coursewright.course.checks import check
from coursewright.course.model import Course, Provenance, Section
from coursewright.course.plan import Analysis, CourseRequest, LessonPlan, Outline, QuestionPlan, SectionPlan
from coursewright.course.quality import KnowledgeSection, LeftOut, Quality, measure
from coursewright.documents.passages import Passage
from coursewright.errors import ConfigurationError
from coursewright.generation.assemble import assemble, pins
from coursewright.generation.authors import Author
from coursewright.generation.courses import CourseStore
from coursewright.generation.graph import ANALYSIS, OUTLINE, course_tasks
from coursewright.queue import Done, Fail, JobQueue, Lease, Outcome, TaskStatus


class Sources(Protocol):
    """Where passages come from."""

    async def passages(self, organisation_id: UUID, knowledge_base_id: UUID) -> list[Passage]: ...

    async def passages_by_id(
        self, organisation_id: UUID, knowledge_base_id: UUID, ids: Sequence[str]
    ) -> list[Passage]: ...

    async def left_out(self, organisation_id: UUID, knowledge_base_id: UUID) -> list[tuple[str, str]]: ...


class CourseSteps:
    """The steps of a course. Called by a worker with a lease; every input is pinned in the task or follows from it."""

    def __init__(self, jobs: JobQueue, sources: Sources, courses: CourseStore, authors: Mapping[str, Author]) -> None:
        self._jobs = jobs
        self._sources = sources
        self._courses = courses
        self._authors = authors

    async def __call__(self, lease: Lease) -> Outcome:
        """Carry out one task."""
        request = CourseRequest.model_validate(lease.request["request"])
        author = self._authors.get(request.author)
        if author is None:
            raise ConfigurationError(
                f"The author {request.author!r} is not configured here.", hint="Use `--author extractive`."
            )
        match lease.type:
            case "knowledge_analysis":
                return await self._analyse(lease, request, author)
            case "outline_generation":
                return await self._outline(lease, request, author)
            case "lesson_section":
                return await self._section(lease, request, author)
            case "lesson_assessment" | "path_quiz" | "class_exam":
                return await self._questions(lease, request, author)
            case "lesson_mind_map" | "lesson_brainbytes":
                return await self._follow_up(lease, request, author)
            case "content_validation":
                return await self._validate(lease, request, author)
            case _:
                return Fail(f"No step knows tasks of the kind {lease.type!r}.", "unknown_task_kind", recoverable=False)

    async def _analyse(self, lease: Lease, request: CourseRequest, author: Author) -> Outcome:
        passages = await self._sources.passages(*_knowledge_base(lease))
        analysis = await author.analyse(passages, request)
        return Done(analysis.model_dump(mode="json"), _metadata(author, request, passages, {}))

    async def _outline(self, lease: Lease, request: CourseRequest, author: Author) -> Outcome:
        passages = await self._sources.passages(*_knowledge_base(lease))
        analysis = Analysis.model_validate((await self._outputs(lease.job_id, [ANALYSIS]))[ANALYSIS])
        outline = await author.outline(passages, analysis, request)
        tasks = () if lease.job_type == "generate_outline" else course_tasks(outline, str(lease.base_class_id))
        return Done(
            outline.model_dump(mode="json"),
            _metadata(author, request, passages, {}),
            tasks=tasks,
            result={"courseOutlineId": str(lease.job_id)},
        )

    async def _section(self, lease: Lease, request: CourseRequest, author: Author) -> Outcome:
        plan = SectionPlan.model_validate(lease.input["plan"])
        lesson = LessonPlan.model_validate(lease.input["lesson"])
        passages = await self._pinned(lease, plan.passage_ids)
        section = await author.section(plan, lesson, passages, request)
        return Done({"section": section.model_dump(mode="json")}, _metadata(author, request, passages, lease.input))

    async def _questions(self, lease: Lease, request: CourseRequest, author: Author) -> Outcome:
        plan = QuestionPlan.model_validate(lease.input["plan"])
        sections = await self._sections(lease)
        passages = await self._pinned(lease, plan.passage_ids)
        written = await author.questions(plan, passages, sections, request)
        return Done(
            {
                "questions": [question.model_dump(mode="json") for question in written.questions],
                "shortfall": written.shortfall,
            },
            _metadata(author, request, passages, lease.input),
        )

    async def _follow_up(self, lease: Lease, request: CourseRequest, author: Author) -> Outcome:
        lesson = LessonPlan.model_validate(lease.input["lesson"])
        sections = await self._sections(lease)
        passages = await self._pinned(lease, [id_ for plan in lesson.sections for id_ in plan.passage_ids])
        output: dict[str, Any]
        if lease.type == "lesson_mind_map":
            mind_map = await author.mind_map(lesson, sections, passages, request)
            output = {"mind_map": mind_map.model_dump(mode="json")}
        else:
            brainbytes = await author.brainbytes(lesson, sections, passages, request)
            output = {"brainbytes": brainbytes.model_dump(mode="json")}
        return Done(output, _metadata(author, request, passages, lease.input))

    async def _validate(self, lease: Lease, request: CourseRequest, author: Author) -> Outcome:
        outputs = await self._outputs(lease.job_id)
        outline = Outline.model_validate(outputs[OUTLINE])
        where = _knowledge_base(lease)
        passages = await self._sources.passages(*where)
        provenance = Provenance(
            author=author.name,
            versions={"coursewright": __version__, author.name: author.version},
            notice=author.notice,
        )
        course = assemble(outline, outputs, passages, request, provenance, str(lease.base_class_id))
        if not course.modules:
            return Fail("No lesson could be written.", "validation_failed", recoverable=False, severity="critical")
        findings = [finding for finding in check(course) if finding.severity == "error"]
        if findings:
            return Fail(
                f"The course does not hold together: {findings[0].message}",
                "validation_failed",
                recoverable=False,
                severity="critical",
                details={"findings": [asdict(finding) for finding in findings[:50]]},
            )
        shortfalls = [*outline.notes, *_shortfalls(course, outputs, str(lease.base_class_id))]
        quality = measure(
            course,
            kb_sections=_sections_of(passages, course.language),
            pins=pins(outline),
            shortfalls=shortfalls,
            left_out=[LeftOut(document=name, reason=why) for name, why in await self._sources.left_out(*where)],
            level=request.level,
        )
        await self._courses.save(lease.job_id, *where, course, quality)
        return Done(_summary(course, quality), result=_summary(course, quality))

    async def _pinned(self, lease: Lease, ids: Sequence[str]) -> list[Passage]:
        return await self._sources.passages_by_id(*_knowledge_base(lease), list(dict.fromkeys(ids)))

    async def _sections(self, lease: Lease) -> list[Section]:
        outputs = await self._outputs(lease.job_id, lease.dependencies)
        return [Section.model_validate(outputs[name]["section"]) for name in lease.dependencies if name in outputs]

    async def _outputs(self, job_id: UUID, identifiers: Sequence[str] | None = None) -> dict[str, dict[str, Any]]:
        tasks = await self._jobs.tasks(job_id, identifiers)
        return {
            task.task_identifier: task.output_data
            for task in tasks
            if task.status == TaskStatus.COMPLETED and task.output_data is not None
        }


def _knowledge_base(lease: Lease) -> tuple[UUID, UUID]:
    if lease.organisation_id is None or lease.base_class_id is None:
        raise ConfigurationError(
            f"Job {lease.job_id} names no organisation or no knowledge base.",
            hint="Set organisation_id and base_class_id when the job is inserted.",
        )
    return lease.organisation_id, lease.base_class_id


def _metadata(
    author: Author, request: CourseRequest, passages: Sequence[Passage], plan: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the task key: the hash of everything that the result is a function of."""
    pinned = {
        "author": author.name,
        "version": author.version,
        "request": request.model_dump(mode="json"),
        "plan": dict(plan),
        "passages": [[passage.id, passage.sha256] for passage in passages],
    }
    key = hashlib.sha256(json.dumps(pinned, sort_keys=True, ensure_ascii=False).encode()).hexdigest()
    return {"key": key, "author": author.name, "version": author.version}


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


def _summary(course: Course, quality: Quality) -> dict[str, Any]:
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
    return {"message": f"“{course.title}” is finished.", "stats": stats}


__all__ = ["CourseSteps", "Sources"]
