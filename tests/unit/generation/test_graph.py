"""What the tasks of a course carry: all that they are written from, and nothing else."""

from typing import Any

from coursewright.course.plan import Concept, LessonPlan, ModulePlan, Outline, QuestionPlan, SectionPlan
from coursewright.generation.graph import course_tasks

NONE = QuestionPlan(wanted=0)


def _lesson(title: str, **changed: Any) -> LessonPlan:
    section = SectionPlan(id=f"s-{title}", title=f"About {title}", passage_ids=(f"p-{title}",), summary="All of it.")
    lesson = LessonPlan(id=f"l-{title}", title=title, sections=(section,), assessment=NONE)
    return lesson.model_copy(update=changed)


def _inputs(*modules: tuple[LessonPlan, ...]) -> dict[str, dict[str, Any]]:
    plans = tuple(
        ModulePlan(id=f"m-{n}", title=f"{n}", lessons=lessons, quiz=NONE) for n, lessons in enumerate(modules)
    )
    tasks = course_tasks(Outline(title="Bees", language="en", modules=plans, exam=NONE), "course")
    return {task.lesson_id or "": dict(task.input) for task in tasks if task.type == "lesson_section"}


def test_a_section_knows_what_the_lessons_before_and_after_teach_across_modules() -> None:
    inputs = _inputs((_lesson("Autumn"), _lesson("Winter")), (_lesson("Spring"),))
    assert inputs["l-Winter"]["neighbours"] == [
        {"place": "before", "title": "Autumn", "sections": ["About Autumn (All of it.)"]},
        {"place": "after", "title": "Spring", "sections": ["About Spring (All of it.)"]},
    ]
    assert [each["place"] for each in inputs["l-Autumn"]["neighbours"]] == ["after"]
    assert [each["place"] for each in inputs["l-Spring"]["neighbours"]] == ["before"]


def test_of_its_neighbours_a_section_knows_only_what_they_are_to_teach() -> None:
    before = _inputs((_lesson("Autumn"), _lesson("Winter")))
    changed = SectionPlan(
        id="s-other", title="About Autumn", passage_ids=("p-new",), summary="All of it.",
        concepts=(Concept(term="Wasp", definition="A wasp.", passage_id="p-new"),),
    )  # fmt: skip
    quiz = QuestionPlan(wanted=3, passage_ids=("p-new",))
    autumn = _lesson("Autumn", sections=(changed,), description="New.", objectives=("Explain",), assessment=quiz)
    after = _inputs((autumn, _lesson("Winter")))
    assert after["l-Winter"] == before["l-Winter"]
    assert after["l-Autumn"] != before["l-Autumn"]
    renamed = _inputs((_lesson("Autumn").model_copy(update={"title": "Fall"}), _lesson("Winter")))
    assert renamed["l-Winter"] != before["l-Winter"]
