"""What follows from what: the tasks of a course. Pure.

The graph is wide, not deep: analysis, outline, then every section at once; a lesson's questions, mind map and brain
bytes follow its own sections, quizzes and the exam follow the sections they examine, validation follows all.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Literal, get_args

from coursewright.course.plan import LessonPlan, Neighbour, Outline, QuestionPlan
from coursewright.queue.model import TaskSpec

TaskKind = Literal[
    "knowledge_analysis",
    "outline_generation",
    "lesson_section",
    "lesson_assessment",
    "lesson_mind_map",
    "lesson_brainbytes",
    "path_quiz",
    "class_exam",
    "content_validation",
]
TASK_KINDS: tuple[TaskKind, ...] = get_args(TaskKind)

ANALYSIS = "knowledge-analysis"
OUTLINE = "outline"
VALIDATION = "content-validation"

# Before the outline is known nobody can count the tasks; the percentage is measured against at least so many.
EXPECTED_TASKS = 30


def first_tasks() -> dict[str, tuple[TaskSpec, ...]]:
    """Return what a job of each type begins with."""
    beginning = (
        TaskSpec(ANALYSIS, "knowledge_analysis", priority=100, decisive=True),
        TaskSpec(OUTLINE, "outline_generation", (ANALYSIS,), priority=90, decisive=True),
    )
    return {"generate_course_v2": beginning, "generate_outline": beginning}


def course_tasks(outline: Outline, course_id: str) -> tuple[TaskSpec, ...]:
    """Return the tasks that write the course of an outline; each carries its own part of the outline as its pins."""
    tasks: list[TaskSpec] = []
    all_sections: list[str] = []
    neighbours = _neighbours([lesson for module in outline.modules for lesson in module.lessons])
    for module in outline.modules:
        module_sections: list[str] = []
        for lesson in module.lessons:
            sections = tuple(f"section-{lesson.id}-{n}" for n in range(1, len(lesson.sections) + 1))
            module_sections += sections
            tasks += _sections(lesson, module.id, sections, outline.language, neighbours[lesson.id])
            tasks += _follow_ups(lesson, module.id, sections, outline.language)
        all_sections += module_sections
        quiz = _questions(f"quiz-{module.id}", "path_quiz", module.quiz, module_sections, outline.language, module.id)
        tasks.append(quiz)
    tasks.append(_questions(f"exam-{course_id}", "class_exam", outline.exam, all_sections, outline.language))
    tasks.append(
        TaskSpec(
            VALIDATION,
            "content_validation",
            tuple(task.identifier for task in tasks if task.type != "lesson_section"),
            needs="settled",
            decisive=True,
        )
    )
    return tuple(tasks)


def _sections(
    lesson: LessonPlan, module_id: str, identifiers: tuple[str, ...], language: str, neighbours: Sequence[Neighbour]
) -> list[TaskSpec]:
    shared = {
        "lesson": _brief(lesson),
        "neighbours": [each.model_dump(mode="json") for each in neighbours],
        "language": language,
    }
    return [
        TaskSpec(
            identifier,
            "lesson_section",
            priority=50,
            lesson_id=lesson.id,
            path_id=module_id,
            section_index=index,
            section_title=plan.title,
            input={"plan": plan.model_dump(mode="json"), **shared},
        )
        for index, (identifier, plan) in enumerate(zip(identifiers, lesson.sections, strict=True))
    ]


def _neighbours(lessons: Sequence[LessonPlan]) -> dict[str, list[Neighbour]]:
    """Return the lessons around each lesson, also those of other modules."""
    around: dict[str, list[Neighbour]] = {lesson.id: [] for lesson in lessons}
    for one, other in pairwise(lessons):
        around[other.id].append(_neighbour("before", one))
        around[one.id].append(_neighbour("after", other))
    return around


def _neighbour(place: Literal["before", "after"], lesson: LessonPlan) -> Neighbour:
    return Neighbour(place=place, title=lesson.title, sections=tuple(each.promise for each in lesson.sections))


def _follow_ups(lesson: LessonPlan, module_id: str, sections: tuple[str, ...], language: str) -> list[TaskSpec]:
    pins = {"plan": lesson.assessment.model_dump(mode="json"), "scope": lesson.id, "language": language}
    about = {"lesson": _brief(lesson), "language": language}
    return [
        TaskSpec(f"assessment-{lesson.id}", "lesson_assessment", sections, 30, lesson.id, module_id, input=pins),
        TaskSpec(f"mindmap-{lesson.id}", "lesson_mind_map", sections, 20, lesson.id, module_id, input=about),
        TaskSpec(f"brainbytes-{lesson.id}", "lesson_brainbytes", sections, 20, lesson.id, module_id, input=about),
    ]


def _questions(
    identifier: str, kind: TaskKind, plan: QuestionPlan, sections: list[str], language: str, path_id: str | None = None
) -> TaskSpec:
    # A quiz examines what there is: one failed section does not take the whole module's quiz away.
    return TaskSpec(
        identifier,
        kind,
        tuple(sections),
        10,
        path_id=path_id,
        needs="settled",
        input={"plan": plan.model_dump(mode="json"), "scope": path_id or "exam", "language": language},
    )


def _brief(lesson: LessonPlan) -> dict[str, object]:
    """Return the lesson without its question seeds, which are pinned in the task that uses them."""
    return lesson.model_copy(update={"assessment": QuestionPlan(wanted=0)}).model_dump(mode="json")


__all__ = [
    "ANALYSIS",
    "EXPECTED_TASKS",
    "OUTLINE",
    "TASK_KINDS",
    "VALIDATION",
    "TaskKind",
    "course_tasks",
    "first_tasks",
]
