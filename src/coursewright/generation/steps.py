"""What a worker does for each kind of task: load the pinned inputs, let the author write, return an outcome."""

import asyncio
import contextlib
import hashlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict, replace
from typing import Any, Protocol
from uuid import UUID

from coursewright import __version__
from coursewright.apart import Run
from coursewright.course.model import Provenance, Section
from coursewright.course.plan import Analysis, CourseRequest, LessonPlan, Neighbour, Outline, QuestionPlan, SectionPlan
from coursewright.course.quality import Flag, LeftOut, ReadingWarning
from coursewright.documents.passages import Passage
from coursewright.documents.store import Losses
from coursewright.errors import Conflict, NeedsAction, NotFound, NoUsableReply, RequestRefused
from coursewright.generation.conclusion import conclude, outline_summary, summary
from coursewright.generation.courses import CourseStore
from coursewright.generation.graph import ANALYSIS, OUTLINE, course_tasks
from coursewright.generation.notices import notice
from coursewright.generation.outlines import outline_id, take_up
from coursewright.generation.terms import JobTerms, job_terms
from coursewright.generation.wish import DEFAULT_AUTHOR, AuthorName, course_request, names_no_author
from coursewright.generation.writing import Writing, whose
from coursewright.llm import Deferred
from coursewright.queue import Done, Fail, JobQueue, Lease, Outcome, Snooze, Task, TaskStatus

_SECONDS_BETWEEN_LOOKS = 1.0  # at documents that are still being read
_WORTH_TELLING = 5.0  # seconds: shorter waits are how limits are kept, and no news


Follow = Callable[[UUID, UUID, UUID], Awaitable[None]]


class Sources(Protocol):
    """Where passages come from."""

    async def passages(self, organisation_id: UUID, knowledge_base_id: UUID) -> list[Passage]: ...

    async def passages_by_id(
        self, organisation_id: UUID, knowledge_base_id: UUID, ids: Sequence[str]
    ) -> list[Passage]: ...

    async def losses(self, organisation_id: UUID, knowledge_base_id: UUID) -> Losses: ...

    async def unread(self, organisation_id: UUID, knowledge_base_id: UUID) -> int: ...


# Told of a job whose documents are read: job, organisation, wish, terms, passages.
OnRead = Callable[[UUID, UUID, CourseRequest, JobTerms, Sequence[Passage]], Awaitable[None]]


class CourseSteps:
    """The steps of a course. Called by a worker with a lease; every input is pinned in the task or follows from it."""

    def __init__(
        self,
        jobs: JobQueue,
        sources: Sources,
        courses: CourseStore,
        writing: Writing,
        on_read: OnRead,
        run: Run = asyncio.to_thread,
        follow: Follow | None = None,
        default_author: AuthorName = "extractive",
    ) -> None:
        """`run` does what would hold up the event loop.

        `follow(organisation_id, knowledge_base_id, task_id)` takes over documents that are kept elsewhere.
        `default_author` writes for jobs that name none; which it was is kept with the job.
        """
        self._jobs = jobs
        self._default_author = default_author
        self._follow = follow
        self._sources = sources
        self._courses = courses
        self._writing = writing
        self._on_read = on_read
        self._run = run

    async def __call__(self, lease: Lease) -> Outcome:
        """Carry out one task; a call that has to wait makes the task wait, one that needs a person pauses the job."""
        if lease.type == "knowledge_analysis" and names_no_author(lease.request):
            kept = await self._jobs.keep(lease.job_id, {DEFAULT_AUTHOR: self._default_author})
            lease = replace(lease, request=kept)
        request = course_request(lease.request, lease.base_class_id)
        if language := lease.input.get("language"):  # of the outline: a part is written in the course's language
            request = request.model_copy(update={"language": language})
        try:
            return await self._carry_out(lease, request)
        except Deferred as wait:
            because = wait.reason if wait.seconds >= _WORTH_TELLING else None
            return Snooze(wait.seconds, wait.call_id, because or None)
        except NoUsableReply as error:
            return Fail(error.detail, error.code, recoverable=False, details={"reasons": list(error.reasons)})
        except (RequestRefused, NotFound) as error:
            return Fail(error.detail, error.code, recoverable=False, suggestions=(error.hint,) if error.hint else ())
        except NeedsAction as error:
            with contextlib.suppress(Conflict):  # others have paused or cancelled it already
                await self._jobs.pause(lease.job_id, because=f"{error.detail} {error.hint}".strip())
            return Snooze(0.0)

    async def _carry_out(self, lease: Lease, request: CourseRequest) -> Outcome:
        match lease.type:
            case "knowledge_analysis":
                return await self._analyse(lease, request)
            case "outline_generation":
                return await self._outline(lease, request)
            case "lesson_section":
                return await self._section(lease, request)
            case "lesson_assessment" | "path_quiz" | "class_exam":
                return await self._questions(lease, request)
            case "lesson_mind_map":
                return await self._mind_map(lease, request)
            case "lesson_brainbytes":
                return await self._brainbytes(lease, request)
            case "content_validation":
                return await self._validate(lease, request)
            case _:
                return Fail(f"No step knows tasks of the kind {lease.type!r}.", "unknown_task_kind", recoverable=False)

    async def _analyse(self, lease: Lease, request: CourseRequest) -> Outcome:
        if self._follow:
            await self._follow(*whose(lease), lease.task_id)
        if await self._sources.unread(*whose(lease)):
            return Snooze(_SECONDS_BETWEEN_LOOKS, because="documents of the knowledge base are still being read")
        passages = await self._sources.passages(*whose(lease))
        if made_by := outline_id(lease.request):
            _, analysis, _ = await take_up(self._jobs, made_by, *whose(lease))
            memory: dict[str, Any] = {"takenFrom": str(made_by)}
        else:
            analysis, memory = await self._writing.write(
                lease, request, passages, {}, lambda author, wish: author.analyse(passages, wish)
            )
        await self._on_read(lease.job_id, whose(lease)[0], request, job_terms(lease.request), passages)
        return Done(analysis.model_dump(mode="json"), memory)

    async def _outline(self, lease: Lease, request: CourseRequest) -> Outcome:
        if made_by := outline_id(lease.request):
            _, _, outline = await take_up(self._jobs, made_by, *whose(lease))
            memory: dict[str, Any] = {"takenFrom": str(made_by)}
        else:
            passages = await self._sources.passages(*whose(lease))
            found = (await self._outputs(lease.job_id, [ANALYSIS]))[ANALYSIS]
            analysis = Analysis.model_validate(found)
            outline, memory = await self._writing.write(
                lease, request, passages, {"analysis": found},
                lambda author, wish: author.outline(passages, analysis, wish),
            )  # fmt: skip
        stops = lease.job_type == "generate_outline"
        return Done(
            outline.model_dump(mode="json"),
            memory | {"outline": _contents(outline)},
            tasks=() if stops else course_tasks(outline, str(lease.base_class_id)),
            result={"courseOutlineId": str(lease.job_id)} | (outline_summary(outline) if stops else {}),
        )

    async def _section(self, lease: Lease, request: CourseRequest) -> Outcome:
        plan = SectionPlan.model_validate(lease.input["plan"])
        lesson = LessonPlan.model_validate(lease.input["lesson"])
        neighbours = [Neighbour.model_validate(each) for each in lease.input["neighbours"]]
        passages = await self._pinned(lease, plan.passage_ids)
        section, memory = await self._writing.write(
            lease, request, passages, lease.input,
            lambda author, wish: author.section(plan, lesson, passages, wish, neighbours),
        )  # fmt: skip
        return Done({"section": section.model_dump(mode="json")}, memory)

    async def _questions(self, lease: Lease, request: CourseRequest) -> Outcome:
        plan = QuestionPlan.model_validate(lease.input["plan"])
        sections = await self._sections(lease)
        passages = await self._pinned(lease, plan.passage_ids)
        written, memory = await self._writing.write(
            lease, request, passages, lease.input | {"sections": _hashes(sections)},
            lambda author, wish: author.questions(plan, passages, sections, wish),
        )  # fmt: skip
        questions = [question.model_dump(mode="json") for question in written.questions]
        return Done({"questions": questions, "shortfall": written.shortfall}, memory)

    async def _mind_map(self, lease: Lease, request: CourseRequest) -> Outcome:
        lesson, sections, passages = await self._lesson(lease)
        mind_map, memory = await self._writing.write(
            lease, request, passages, lease.input | {"sections": _hashes(sections)},
            lambda author, wish: author.mind_map(lesson, sections, passages, wish),
        )  # fmt: skip
        return Done({"mind_map": mind_map.model_dump(mode="json")}, memory)

    async def _brainbytes(self, lease: Lease, request: CourseRequest) -> Outcome:
        lesson, sections, passages = await self._lesson(lease)
        brainbytes, memory = await self._writing.write(
            lease, request, passages, lease.input | {"sections": _hashes(sections)},
            lambda author, wish: author.brainbytes(lesson, sections, passages, wish),
        )  # fmt: skip
        return Done({"brainbytes": brainbytes.model_dump(mode="json")}, memory)

    async def _validate(self, lease: Lease, request: CourseRequest) -> Outcome:
        tasks = await self._jobs.tasks(lease.job_id)
        outputs = _finished(tasks)
        outline = Outline.model_validate(outputs[OUTLINE])
        where = whose(lease)
        passages = await self._sources.passages(*where)
        author = await self._writing.author(lease, request, "")
        substituted = _substituted(tasks) if author.name == "llm" else None
        provenance = Provenance(
            author=author.name,
            model=author.model,
            versions={"coursewright": __version__, author.name: author.version},
            notice=notice(
                outline.language,
                author.model,
                sum(task.status == TaskStatus.COMPLETED for task in tasks),
                len(substituted or ()),
            ),
        )
        lost = await self._sources.losses(*where)
        left_out = [LeftOut(document=name, reason=why) for name, why in lost.left_out]
        warnings = [ReadingWarning(document=name, warning=it) for name, it in lost.warnings]
        end = await self._run(
            conclude, outline, outputs, passages, request, provenance, str(lease.base_class_id),
            left_out=left_out, warnings=warnings, substituted=substituted,
        )  # fmt: skip
        if not end.course.modules:
            return Fail("No lesson could be written.", "validation_failed", recoverable=False, severity="critical")
        if end.quality is None:
            return Fail(
                f"The course does not hold together: {end.findings[0].message}",
                "validation_failed",
                recoverable=False,
                severity="critical",
                details={"findings": [asdict(finding) for finding in end.findings[:50]]},
            )
        await self._courses.save(lease.job_id, *where, end.course, end.quality)
        told = summary(end.course, end.quality)
        return Done(told, result=told)

    async def _pinned(self, lease: Lease, ids: Sequence[str]) -> list[Passage]:
        return await self._sources.passages_by_id(*whose(lease), list(dict.fromkeys(ids)))

    async def _lesson(self, lease: Lease) -> tuple[LessonPlan, list[Section], list[Passage]]:
        lesson = LessonPlan.model_validate(lease.input["lesson"])
        passages = await self._pinned(lease, [id_ for plan in lesson.sections for id_ in plan.passage_ids])
        return lesson, await self._sections(lease), passages

    async def _sections(self, lease: Lease) -> list[Section]:
        outputs = await self._outputs(lease.job_id, lease.dependencies)
        return [Section.model_validate(outputs[name]["section"]) for name in lease.dependencies if name in outputs]

    async def _outputs(self, job_id: UUID, identifiers: Sequence[str] | None = None) -> dict[str, dict[str, Any]]:
        return _finished(await self._jobs.tasks(job_id, identifiers))


def _finished(tasks: Sequence[Task]) -> dict[str, dict[str, Any]]:
    return {
        task.task_identifier: task.output_data
        for task in tasks
        if task.status == TaskStatus.COMPLETED and task.output_data is not None
    }


def _hashes(sections: Sequence[Section]) -> list[str]:
    return [hashlib.sha256(section.model_dump_json().encode()).hexdigest() for section in sections]


def _substituted(tasks: Sequence[Task]) -> list[Flag]:
    return [
        Flag(
            where="/".join(part for part in (task.path_id, task.lesson_id) if part) or "course",
            what=f"section “{task.section_title}”" if task.section_title else task.task_type.replace("_", " "),
            why="; ".join(task.result_metadata["substituted"]),
        )
        for task in tasks
        if task.result_metadata and "substituted" in task.result_metadata
    ]


def _contents(outline: Outline) -> dict[str, Any]:
    """Return the outline as a table of contents: what a page shows while the course is being written."""
    return {
        "title": outline.title,
        "description": outline.description,
        "objectives": list(outline.objectives),
        "paths": [
            {
                "id": module.id,
                "title": module.title,
                "lessons": [
                    {"id": lesson.id, "title": lesson.title, "sections": [each.title for each in lesson.sections]}
                    for lesson in module.lessons
                ],
            }
            for module in outline.modules
        ],
    }


__all__ = ["CourseSteps", "Sources"]
