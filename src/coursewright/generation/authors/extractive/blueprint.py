"""Which question goes where: every candidate is dealt out once, over lesson assessments, module quizzes and the exam.

So no question repeats, and no set has to wait for another one.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field

from coursewright.course.plan import Concept, CourseRequest, QuestionPlan
from coursewright.documents.passages import Passage
from coursewright.generation.authors.extractive.blocks import SourceBlock
from coursewright.generation.authors.extractive.catalogue import Catalogue
from coursewright.generation.authors.extractive.questions.definition import (
    defined,
    matching,
    on_acronyms,
    on_definitions,
)
from coursewright.generation.authors.extractive.questions.describe import describing
from coursewright.generation.authors.extractive.questions.draft import Draft, stable
from coursewright.generation.authors.extractive.questions.gap import gaps
from coursewright.generation.authors.extractive.questions.lookup import lookups
from coursewright.generation.authors.extractive.questions.steps import ordering
from coursewright.generation.authors.extractive.section import KEY_CONCEPTS
from coursewright.generation.authors.extractive.titles import without_number

_OPTIONS = 4
_SPARING = frozenset({"acronym", "lookup", "gap", "describe"})  # honest, but a set of nothing else would be dull
_DRY = ("acronym", "lookup")  # that no course is taken for
_FILL = 2  # questions that a set is brought to with forms that are used sparingly
_LESSON_OBJECTIVES, _UPPER_OBJECTIVES = 4, 6
_PREFERRED = {
    "easy": ("term", "lookup", "acronym", "definition", "ordering", "matching", "fill", "gap", "describe"),
    "medium": ("definition", "ordering", "lookup", "matching", "term", "gap", "fill", "acronym", "describe"),
    "hard": ("ordering", "gap", "definition", "matching", "fill", "describe", "lookup", "term", "acronym"),
}


@dataclass(frozen=True, slots=True)
class Place:
    """A section in its lesson in its module."""

    module: str
    lesson: str
    section: str
    title: str
    passages: tuple[Passage, ...]
    shown: tuple[SourceBlock, ...] = ()  # what the section shows of them: nothing else is asked about


@dataclass(frozen=True, slots=True)
class Blueprint:
    """Plans of all sets of questions, and the objectives that they examine."""

    assessments: dict[str, QuestionPlan]
    quizzes: dict[str, QuestionPlan]
    exam: QuestionPlan
    lesson_objectives: dict[str, tuple[str, ...]]
    module_objectives: dict[str, tuple[str, ...]]
    course_objectives: tuple[str, ...]


@dataclass(slots=True)
class _Set:
    """One set while it is filled."""

    scope: frozenset[str]  # sections it may ask about
    most: int
    asked: bool  # the user gave the number
    drafts: list[Draft] = field(default_factory=list)
    subjects: set[str] = field(default_factory=set)
    sections: list[str] = field(default_factory=list)
    forms: list[str] = field(default_factory=list)

    def take(self, pool: list[Draft], *, fill: bool = False) -> bool:
        """Take the best draft that is left: of the section and form asked least, in the pool's order.

        To `fill` means to take forms meant to be rare too: up to the number asked for, else up to a few.
        """
        if len(self.drafts) >= (self.most if self.asked or not fill else min(self.most, _FILL)):
            return False
        fitting = [
            place
            for place, draft in enumerate(pool)
            if self.scope.issuperset((draft.section, *draft.further_sections))
            and not self.subjects & set(draft.subjects)
            and (fill or draft.form not in _SPARING or self.forms.count(draft.form) < max(1, self.most // 5))
        ]
        if not fitting:
            return False
        draft = pool.pop(
            min(
                fitting,
                key=lambda place: (self.sections.count(pool[place].section), self.forms.count(pool[place].form), place),
            )
        )
        self.drafts.append(draft)
        self.subjects.update(draft.subjects)
        self.sections.append(draft.section)
        self.forms.append(draft.form)
        return True


def draw_up(
    places: Sequence[Place],
    owners: dict[str, list[Concept]],
    concepts: Sequence[Concept],
    request: CourseRequest,
    words: Catalogue,
) -> Blueprint:
    """Deal out all candidates; deterministic in the places, concepts and request."""
    pool = _candidates(places, owners, concepts, request, words)
    modules = list(dict.fromkeys(place.module for place in places))
    lessons = list(dict.fromkeys(place.lesson for place in places))
    assessments = {
        lesson: _set([p for p in places if p.lesson == lesson], request.questions_per_lesson, 3, 5, 300)
        for lesson in lessons
    }
    quizzes = {
        module: _set([p for p in places if p.module == module], request.questions_per_quiz, 5, 8, 600)
        for module in modules
    }
    exam = _set(places, request.questions_per_exam, 10, 15, 1_000)
    module_of = {place.lesson: place.module for place in places}
    for fill in (False, True):
        took = True
        while pool and took:
            # One a lesson, one a module, one for the exam, and again: a scarce supply is shared by all.
            taken = [assessments[lesson].take(pool, fill=fill) for lesson in lessons]
            taken += [quizzes[module].take(pool, fill=fill) for module in modules]
            taken += [exam.take(pool, fill=fill) for _ in range(max(1, len(modules) // 2))]
            took = any(taken)
    positions = _Positions(request.seed)
    lesson_plans = {
        lesson: _plan(one, _lesson_objectives(one, [p for p in places if p.lesson == lesson], owners, words), positions)
        for lesson, one in assessments.items()
    }
    module_plans = {}
    for module, one in quizzes.items():
        inherited = [
            o for lesson in lessons if module_of[lesson] == module for o in lesson_plans[lesson].objectives[:1]
        ]
        module_plans[module] = _plan(one, _upper_objectives(one, inherited), positions)
    exam_plan = _plan(
        exam, _upper_objectives(exam, [o for m in modules for o in module_plans[m].objectives[:1]]), positions
    )
    return Blueprint(
        assessments=lesson_plans,
        quizzes=module_plans,
        exam=exam_plan,
        lesson_objectives={lesson: plan.objectives for lesson, plan in lesson_plans.items()},
        module_objectives={module: plan.objectives for module, plan in module_plans.items()},
        course_objectives=_course_objectives(
            exam,
            [[quizzes[m], *(assessments[o] for o in lessons if module_of[o] == m)] for m in modules],
            concepts,
        ),
    )


def _candidates(
    places: Sequence[Place],
    owners: dict[str, list[Concept]],
    concepts: Sequence[Concept],
    request: CourseRequest,
    words: Catalogue,
) -> list[Draft]:
    taught = {section: found[:KEY_CONCEPTS] for section, found in owners.items()}
    fair = defined(taught, words)
    texts = {passage.id: passage.text for place in places for passage in place.passages}
    drafts = [*on_definitions(fair, words), *matching(fair, words), *on_acronyms(taught, texts, words)]
    definitions = {concept.definition for concept in concepts}
    for place in places:
        drafts += ordering(place.shown, place.section, words)
        drafts += lookups(place.shown, place.section, words)
        drafts += gaps(place.shown, place.section, definitions, words)
        drafts += describing(place.title, place.shown, place.section, words)
    unique = {draft.key: draft for draft in reversed(drafts)}
    importance = {concept.term.casefold(): place for place, concept in enumerate(concepts)}
    preferred = _PREFERRED[request.difficulty]
    return sorted(
        unique.values(),
        key=lambda draft: (
            preferred.index(draft.form),
            importance.get(draft.subjects[0], len(importance)),
            stable(request.seed, draft.stem) if request.seed else 0,
            draft.stem,
        ),
    )


def _set(places: Sequence[Place], asked: int | None, low: int, high: int, words_each: int) -> _Set:
    size = sum(passage.words for place in places for passage in place.passages)
    most = asked if asked is not None else max(low, min(high, size // words_each))
    return _Set(frozenset(place.section for place in places), most, asked is not None)


class _Positions:
    """Places of the right option, evenly spread: every run of four holds each place once."""

    def __init__(self, seed: int) -> None:
        self._seed, self._given = seed, 0

    def next(self) -> int:
        block, place = divmod(self._given, _OPTIONS)
        self._given += 1
        return sorted(range(_OPTIONS), key=lambda position: stable(self._seed, block, position))[place]


def _plan(one: _Set, objectives: tuple[str, ...], positions: _Positions) -> QuestionPlan:
    seeds = tuple(draft.seed(positions.next() if draft.kind == "multiple_choice" else 0) for draft in one.drafts)
    # Without a number from the user, the sources decide how many: a promise they cannot keep helps nobody.
    wanted = one.most if one.asked else max(1, min(one.most, len(seeds)))
    cited = dict.fromkeys(passage_id for draft in one.drafts for passage_id, _ in draft.citations)
    return QuestionPlan(wanted=wanted, objectives=objectives, passage_ids=tuple(cited), seeds=seeds)


def _lesson_objectives(
    one: _Set, places: Sequence[Place], owners: dict[str, list[Concept]], words: Catalogue
) -> tuple[str, ...]:
    """Return what the assessment examines; where it is empty, what the lesson defines, else what it is about."""
    found = dict.fromkeys(draft.objective for draft in one.drafts)
    if not found:
        for place in places:
            for concept in owners[place.section][: _LESSON_OBJECTIVES - len(found)]:
                name = "expand" if concept.kind == "acronym" else "define"
                found[words.say("objectives", name, term=concept.term)] = None
    if not found:
        for place in places[:_LESSON_OBJECTIVES]:
            found[words.say("objectives", "describe", title=without_number(place.title))] = None
    return tuple(found)


def _course_objectives(exam: _Set, modules: Sequence[Sequence[_Set]], concepts: Sequence[Concept]) -> tuple[str, ...]:
    """Return a few objectives of what is examined: on the most important concepts, one a module in turn.

    None counts up terms.
    """
    importance = {concept.term.casefold(): place for place, concept in enumerate(concepts)}
    queues = []
    for sets in modules:
        sections = frozenset[str]().union(*(one.scope for one in sets))
        drafts = [draft for one in (*sets, exam) for draft in one.drafts if draft.section in sections]
        drafts.sort(key=lambda draft: (importance.get(draft.subjects[0], len(importance)), draft.form in _DRY))
        fitting = [draft.objective for draft in drafts if draft.form != "matching"]
        queues.append(list(dict.fromkeys(fitting)))
    turns = [objective for turn in itertools.zip_longest(*queues) for objective in turn if objective]
    return tuple(dict.fromkeys(turns))[: max(_UPPER_OBJECTIVES, len(modules))] or _upper_objectives(exam, ())


def _upper_objectives(one: _Set, inherited: Sequence[str]) -> tuple[str, ...]:
    found = dict.fromkeys(draft.objective for draft in one.drafts)
    for objective in inherited:
        if len(found) < _UPPER_OBJECTIVES:
            found[objective] = None
    return tuple(found)


__all__ = ["Blueprint", "Place", "draw_up"]
