"""Puts a course together from what its tasks wrote. Pure: missing parts are left out, never invented."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import TypeAdapter

from coursewright.course.ids import derive_id
from coursewright.course.model import (
    BrainBytes,
    Course,
    Lesson,
    MindMap,
    Module,
    Provenance,
    Question,
    QuestionSet,
    Section,
    Source,
)
from coursewright.course.plan import CourseRequest, LessonPlan, Outline
from coursewright.documents.passages import Passage

_QUESTIONS: TypeAdapter[tuple[Question, ...]] = TypeAdapter(tuple[Question, ...])
_WORDS_A_MINUTE = 200.0
_MINUTES_A_QUESTION = 0.75

Outputs = Mapping[str, Mapping[str, Any]]


def assemble(
    outline: Outline,
    outputs: Outputs,
    passages: Sequence[Passage],
    request: CourseRequest,
    provenance: Provenance,
    course_id: str,
) -> Course:
    """Return the course made of the `outputs` (by task identifier) of completed tasks.

    Lessons without any section, and modules without any lesson, are left out. Sources are the passages that a part of
    the outline was given, in the order of `passages`.
    """
    modules = []
    asked: set[str] = set()
    for plan in outline.modules:
        lessons = [lesson for each in plan.lessons if (lesson := _lesson(each, outputs, asked)).sections]
        if lessons:
            modules.append(
                Module(
                    id=plan.id,
                    title=plan.title,
                    description=plan.description,
                    objectives=plan.objectives,
                    lessons=tuple(lessons),
                    quiz=_question_set(outputs, f"quiz-{plan.id}", asked),
                )
            )
    used = pinned_passages(outline)
    return Course(
        title=outline.title,
        description=outline.description,
        language=outline.language,
        objectives=outline.objectives,
        mode=request.mode,
        provenance=provenance,
        modules=tuple(modules),
        exam=_question_set(outputs, f"exam-{course_id}", asked),
        sources=tuple(_source(passage) for passage in passages if passage.id in used),
    )


def pinned_passages(outline: Outline) -> frozenset[str]:
    """Return the ids of all passages that some part of the outline was given."""
    return frozenset(id_ for ids in pins(outline).values() for id_ in ids)


def pins(outline: Outline) -> dict[str, tuple[str, ...]]:
    """Return the passages given to each part: by the id of a section, lesson (questions) or module (quiz); `exam`."""
    given: dict[str, tuple[str, ...]] = {"exam": outline.exam.passage_ids}
    for module in outline.modules:
        given[module.id] = module.quiz.passage_ids
        for lesson in module.lessons:
            given[lesson.id] = lesson.assessment.passage_ids
            for section in lesson.sections:
                # A term of the section may be defined elsewhere: in a glossary.
                terms = (concept.passage_id for concept in section.concepts)
                given[section.id] = tuple(dict.fromkeys((*section.passage_ids, *terms)))
    return given


def _lesson(plan: LessonPlan, outputs: Outputs, asked: set[str]) -> Lesson:
    sections = tuple(
        Section.model_validate(output["section"])
        for n in range(1, len(plan.sections) + 1)
        if (output := outputs.get(f"section-{plan.id}-{n}"))
    )
    assessment = _question_set(outputs, f"assessment-{plan.id}", asked)
    mind_map = outputs.get(f"mindmap-{plan.id}")
    brainbytes = outputs.get(f"brainbytes-{plan.id}")
    return Lesson(
        id=plan.id,
        title=plan.title,
        description=plan.description,
        objectives=plan.objectives,
        minutes=_minutes(sections, len(assessment.questions)),
        sections=sections,
        assessment=assessment,
        mind_map=MindMap.model_validate(mind_map["mind_map"]) if mind_map else None,
        brainbytes=BrainBytes.model_validate(brainbytes["brainbytes"]) if brainbytes else None,
    )


def _minutes(sections: Sequence[Section], questions: int) -> int:
    words = sum(_words(block.text) for section in sections for block in section.blocks)
    return max(1, math.ceil(words / _WORDS_A_MINUTE + questions * _MINUTES_A_QUESTION))


def _words(text: str) -> float:
    """Count words; scripts without spaces count two characters as one."""
    dense = sum(1 for char in text if "\u3040" <= char <= "\u9fff")
    return len(text.split()) + dense / 2


def _question_set(outputs: Outputs, identifier: str, asked: set[str]) -> QuestionSet:
    """Return a set of questions. One that an earlier set asks, too, gets an id of its own; the report flags it."""
    output = outputs.get(identifier)
    questions = []
    for question in _QUESTIONS.validate_python(output["questions"]) if output else ():
        fresh = question.id not in asked
        own = question if fresh else question.model_copy(update={"id": derive_id("q-", question.id, identifier)})
        asked.add(own.id)
        questions.append(own)
    return QuestionSet(questions=tuple(questions))


def _source(passage: Passage) -> Source:
    return Source(
        passage_id=passage.id,
        document=passage.document,
        title=passage.title,
        licence=passage.licence,
        attribution=passage.attribution,
        heading_path=passage.heading_path,
        page=passage.page,
        time_code=passage.time_code,
        start=passage.start,
        end=passage.end,
        language=passage.language,
        text=passage.text,
        sha256=passage.sha256,
    )


__all__ = ["assemble", "pinned_passages", "pins"]
