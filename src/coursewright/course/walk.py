"""Ways through a course: every piece together with its place, for checks, measures and exporters."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from coursewright.course.model import Block, Citation, Course, KeyConcept, Lesson, Module, Question, Section

SetKind = Literal["lesson", "module", "exam"]
_TITLE_SECONDS = 10  # a longer script of one segment says more than a title


@dataclass(frozen=True, slots=True)
class PlacedSection:
    """A section and what it stands in."""

    module: Module
    lesson: Lesson
    section: Section

    @property
    def where(self) -> str:
        return f"{self.module.id}/{self.lesson.id}/{self.section.id}"


@dataclass(frozen=True, slots=True)
class PlacedQuestion:
    """A question and the set it belongs to: `owner` is the path of lesson or module, or `exam`."""

    kind: SetKind
    owner: str
    title: str
    question: Question

    @property
    def where(self) -> str:
        return f"{self.owner}/{self.question.id}"


def sections(course: Course) -> Iterator[PlacedSection]:
    """Yield every section in reading order."""
    for module in course.modules:
        for lesson in module.lessons:
            for section in lesson.sections:
                yield PlacedSection(module, lesson, section)


def questions(course: Course) -> Iterator[PlacedQuestion]:
    """Yield every question: those of each lesson, then the quiz of its module, the exam last."""
    for module in course.modules:
        for lesson in module.lessons:
            for question in lesson.assessment.questions:
                yield PlacedQuestion("lesson", f"{module.id}/{lesson.id}", lesson.title, question)
        for question in module.quiz.questions:
            yield PlacedQuestion("module", module.id, module.title, question)
    for question in course.exam.questions:
        yield PlacedQuestion("exam", "exam", course.title, question)


def blocks(course: Course) -> Iterator[tuple[str, Block]]:
    """Yield every block, examples included, with its path of ids."""
    for placed in sections(course):
        for block in (*placed.section.blocks, *placed.section.examples):
            yield f"{placed.where}/{block.id}", block


def concepts(course: Course) -> Iterator[tuple[str, KeyConcept]]:
    """Yield every key concept with the path of its section and its place in it (`concept-1`)."""
    for placed in sections(course):
        for number, concept in enumerate(placed.section.key_concepts, 1):
            yield f"{placed.where}/concept-{number}", concept


def citations(course: Course) -> Iterator[tuple[str, Citation]]:
    """Yield every citation of blocks, key concepts and questions with the path of what cites."""
    for where, block in blocks(course):
        for citation in block.citations:
            yield where, citation
    for where, concept in concepts(course):
        for citation in concept.citations:
            yield where, citation
    for placed in questions(course):
        for citation in placed.question.citations:
            yield placed.where, citation


def has_mind_map(lesson: Lesson) -> bool:
    """Tell whether a lesson has a mind map worth drawing: one with more than a branch."""
    return lesson.mind_map is not None and len(lesson.mind_map.branches) > 1


def has_script(lesson: Lesson) -> bool:
    """Tell whether a lesson's audio script says more than the lesson's title."""
    script = lesson.brainbytes
    return script is not None and (len(script.segments) > 1 or script.seconds > _TITLE_SECONDS)


def is_sub_heading(block: Block, heading_path: Sequence[str]) -> bool:
    """Tell whether a block is a heading inside its section; `heading_path` is that of the passage it cites.

    Such a block is a paragraph that is nothing but the last heading of its passage.
    """
    return (
        block.kind == "paragraph"
        and bool(heading_path)
        and block.text in heading_path[-1]
        and [citation.quote for citation in block.citations] == [block.text]
    )


__all__ = [
    "PlacedQuestion",
    "PlacedSection",
    "SetKind",
    "blocks",
    "citations",
    "concepts",
    "has_mind_map",
    "has_script",
    "is_sub_heading",
    "questions",
    "sections",
]
