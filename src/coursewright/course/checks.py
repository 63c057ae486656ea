"""What must hold in every course before it may leave: ids, citations, sources and the shape of every question.

A finding of severity `error` means that the course is broken, `warning` that a reader would stumble. The quality of the
content is measured elsewhere (`course.quality`).
"""

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from coursewright.course import walk
from coursewright.course.model import (
    Cloze,
    Course,
    LongAnswer,
    Matching,
    MultipleChoice,
    MultipleResponse,
    Ordering,
    Question,
    ShortAnswer,
    Source,
    TrueFalse,
)

GAP = "____"

Severity = Literal["error", "warning"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong: a stable code, the path of ids where, what, and how bad."""

    code: str
    where: str
    message: str
    severity: Severity = "error"


def check(course: Course) -> tuple[Finding, ...]:
    """Return everything that is structurally wrong with `course`, in reading order; empty when it is sound."""
    return (
        *_ids(course),
        *_structure(course),
        *_citations(course),
        *_sources(course.sources),
        *(finding for placed in walk.questions(course) for finding in check_question(placed.question, placed.where)),
    )


def check_question(question: Question, where: str) -> Iterator[Finding]:
    """Yield what is wrong with one question: the shape its kind asks for, and equal or missing options."""
    for code, message in (*_options(question), *_answer(question)):
        yield Finding(code, where, message)
    if not question.citations:
        yield Finding("question_uncited", where, "The question cites no passage.", "warning")


def _ids(course: Course) -> Iterator[Finding]:
    places: list[tuple[str, str]] = []
    for module in course.modules:
        places.append((module.id, module.id))
        places += [(lesson.id, f"{module.id}/{lesson.id}") for lesson in module.lessons]
    places += [(placed.section.id, placed.where) for placed in walk.sections(course)]
    places += [(block.id, where) for where, block in walk.blocks(course)]
    places += [(placed.question.id, placed.where) for placed in walk.questions(course)]
    places += [(source.passage_id, f"sources/{source.passage_id}") for source in course.sources]
    seen: dict[str, str] = {}
    for id_, where in places:
        if not id_:
            yield Finding("id_empty", where, "The id is empty.")
        elif id_ in seen:
            yield Finding("id_twice", where, f"The id “{id_}” is taken by {seen[id_]}.")
        seen.setdefault(id_, where)


def _structure(course: Course) -> Iterator[Finding]:
    if not course.modules:
        yield Finding("no_modules", "course", "The course has no modules.")
    for module in course.modules:
        if not module.lessons:
            yield Finding("no_lessons", module.id, f"The module “{module.title}” has no lessons.")
        for lesson in module.lessons:
            if not lesson.sections:
                where = f"{module.id}/{lesson.id}"
                yield Finding("no_sections", where, f"The lesson “{lesson.title}” has no sections.")
    for placed in walk.sections(course):
        if not placed.section.blocks:
            yield Finding("no_blocks", placed.where, f"The section “{placed.section.title}” is empty.")


def _citations(course: Course) -> Iterator[Finding]:
    texts = {source.passage_id: source.text for source in course.sources}
    for where, citation in walk.citations(course):
        text = texts.get(citation.passage_id)
        if text is None:
            yield Finding("citation_unknown", where, f"There is no passage “{citation.passage_id}” in the sources.")
        elif citation.quote not in text:
            quote = citation.quote if len(citation.quote) <= 80 else citation.quote[:79] + "…"
            yield Finding("quote_not_verbatim", where, f"“{quote}” is not in passage {citation.passage_id}.")


def _sources(sources: Sequence[Source]) -> Iterator[Finding]:
    for source in sources:
        where = f"sources/{source.passage_id}"
        if hashlib.sha256(source.text.encode()).hexdigest() != source.sha256:
            yield Finding("source_changed", where, "The text does not have the hash that was recorded with it.")
        if source.end - source.start != len(source.text):
            yield Finding("source_offsets", where, "The offsets do not span the text.")


_Problem = tuple[str, str]


def _options(question: Question) -> Iterator[_Problem]:
    wanted = isinstance(question, MultipleChoice | MultipleResponse | Matching | Ordering)
    if wanted and len(question.options) < 2:
        yield "too_few_options", f"{len(question.options)} options; at least two are needed."
    for id_ in _repeated(option.id for option in question.options):
        yield "option_id_twice", f"Two options have the id “{id_}”."
    for text in _repeated(option.text.strip().casefold() for option in question.options):
        yield "option_text_twice", f"Two options say “{text}”."
    if any(not option.text.strip() for option in question.options):
        yield "option_empty", "An option has no text."


def _answer(question: Question) -> Iterator[_Problem]:
    ids = [option.id for option in question.options]
    correct = [option.id for option in question.options if option.correct]
    match question:
        case MultipleChoice():
            if len(correct) != 1:
                yield "one_key", f"{len(correct)} options are marked correct; exactly one is needed."
            if correct != [question.answer]:
                yield "answer_mismatch", f"The answer “{question.answer}” is not the option marked correct."
        case MultipleResponse():
            if not correct:
                yield "no_key", "No option is marked correct."
            if sorted(question.answer) != sorted(correct):
                yield "answer_mismatch", "The answer does not list exactly the options marked correct."
        case TrueFalse():
            if question.options:
                yield "needless_options", "A true/false question has no options of its own."
        case Matching():
            if len(question.answer) < 2:
                yield "too_few_pairs", "Matching needs at least two pairs."
            unknown = sorted({pair.option for pair in question.answer} - set(ids))
            if unknown:
                yield "answer_mismatch", f"Pairs name options that do not exist: {', '.join(unknown)}."
            if _repeated(pair.prompt.casefold() for pair in question.answer):
                yield "prompt_twice", "Two prompts are the same."
        case Ordering():
            if sorted(question.answer) != sorted(ids):
                yield "answer_mismatch", "The answer is not a permutation of the options."
        case Cloze():
            gaps = question.stem.count(GAP)
            if gaps == 0 or gaps != len(question.answer):
                yield "answer_mismatch", f"{gaps} gaps in the stem, {len(question.answer)} answers."
            if any(not accepted or not all(word.strip() for word in accepted) for accepted in question.answer):
                yield "answer_empty", "A gap has no accepted word."
            bank = {option.text.casefold() for option in question.options}
            if bank and any(bank.isdisjoint(word.casefold() for word in accepted) for accepted in question.answer):
                yield "answer_mismatch", "The word bank does not hold the word of every gap."
        case ShortAnswer():
            if not question.answer or not all(answer.strip() for answer in question.answer):
                yield "answer_empty", "There is no accepted answer."
        case LongAnswer():
            if not question.answer.strip():
                yield "answer_empty", "There is no model answer."


def _repeated(values: Iterable[str]) -> list[str]:
    return [value for value, count in Counter(values).items() if count > 1]


__all__ = ["GAP", "Finding", "Severity", "check", "check_question"]
