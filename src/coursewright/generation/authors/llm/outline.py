"""Reads the outline that a model made, pins passages to its sections, and draws up who asks about what."""

from collections.abc import Sequence

from coursewright.course.ids import derive_id
from coursewright.course.plan import (
    Analysis,
    Concept,
    CourseRequest,
    LessonPlan,
    ModulePlan,
    Outline,
    QuestionPlan,
    SectionPlan,
)
from coursewright.documents.passages import Passage
from coursewright.generation.authors.extractive.blueprint import Place, draw_up
from coursewright.generation.authors.extractive.catalogue import LANGUAGES, catalogue
from coursewright.generation.authors.extractive.concepts import find_concepts
from coursewright.generation.authors.llm.asking import Unusable
from coursewright.generation.authors.llm.listing import Listing
from coursewright.generation.authors.llm.plain import other_language, plain
from coursewright.generation.authors.llm.promises import Promises
from coursewright.generation.authors.llm.wire import WireLessonPlan, WireOutline, WireSectionPlan
from coursewright.tongues import identifier

MOST_SOURCES = 12  # passages a section is written from
_MOST_SHARED = 2  # sections that one passage may feed
_QUESTIONS_A_LESSON, _QUESTIONS_A_LESSON_IN_QUIZ, _MOST_IN_EXAM = 5, 3, 20
_QUESTION_PASSAGES = 12


def read_outline(
    wire: WireOutline, listing: Listing, analysis: Analysis, request: CourseRequest, language: str
) -> Outline | Unusable:
    """Return the outline, or what the model must mend: counts, unknown aliases, repeated titles, empty sections."""
    problems = [*_counts(wire, request), *_titles(wire), *_sources(wire, listing)]
    titles = [lesson.title for module in wire.modules for lesson in module.lessons]
    if stray := other_language(". ".join((*titles, *wire.objectives)), language):
        problems.append(f"the titles are in '{stray}'; the course is in '{language}'.")
    if problems:
        return Unusable(tuple(problems))
    promises = Promises.of(wire, listing, request, language)
    concepts = {concept.passage_id: concept for concept in reversed(analysis.concepts)}
    modules = []
    for m, module in enumerate(wire.modules, 1):
        lessons = tuple(
            _lesson(lesson, derive_id("l-", m, n, lesson.title), listing, concepts, request, promises)
            for n, lesson in enumerate(module.lessons, 1)
        )
        pinned = [id_ for lesson in lessons for id_ in lesson.assessment.passage_ids]
        modules.append(
            ModulePlan(
                id=derive_id("m-", m, module.title),
                title=plain(module.title),
                description=promises.text(module.description, f"description of “{plain(module.title)}”"),
                objectives=promises.texts(module.objectives, f"objective of “{plain(module.title)}”"),
                lessons=lessons,
                quiz=QuestionPlan(
                    wanted=_wanted(request.questions_per_quiz, _QUESTIONS_A_LESSON_IN_QUIZ * len(lessons)),
                    objectives=_texts([lesson.quiz_objective for lesson in module.lessons]),
                    passage_ids=_spread(pinned, _QUESTION_PASSAGES),
                ),
            )
        )
    everything = [id_ for module in modules for lesson in module.lessons for id_ in lesson.assessment.passage_ids]
    exam = [lesson.exam_objective for module in wire.modules for lesson in module.lessons]
    outline = Outline(
        title=request.title or plain(wire.title),
        description=request.description or promises.text(wire.description, "description of the course"),
        language=language,
        objectives=promises.texts(wire.objectives, "objective of the course"),
        modules=tuple(modules),
        exam=QuestionPlan(
            wanted=_wanted(request.questions_per_exam, min(_MOST_IN_EXAM, 2 * len(exam))),
            objectives=_texts(exam),
            passage_ids=_spread(everything, 2 * _QUESTION_PASSAGES),
        ),
        notes=tuple(promises.left_out),
    )
    return Unusable(tuple(promises.problems)) if promises.problems else outline


def teachable(passages: Sequence[Passage], language: str) -> tuple[Concept, ...]:
    """Return what the built-in author would ask about: nothing in a language that it does not know."""
    if language not in LANGUAGES:
        return ()
    return find_concepts([each for each in passages if each.language in ("", language)], catalogue(language))


def with_seeds(
    outline: Outline, concepts: Sequence[Concept], passages: Sequence[Passage], request: CourseRequest
) -> Outline:
    """Add what the built-in author would ask, so that it can write a set of questions that the model cannot.

    `concepts` are those that are `teachable` from the passages in the outline's language.
    """
    if outline.language not in LANGUAGES:
        return outline
    by_id = {passage.id: passage for passage in passages}
    places = [
        Place(module.id, lesson.id, section.id, section.title, tuple(by_id[id_] for id_ in section.passage_ids))
        for module in outline.modules
        for lesson in module.lessons
        for section in lesson.sections
    ]
    owners = {
        place.section: [one for one in concepts if one.passage_id in {passage.id for passage in place.passages}]
        for place in places
    }
    drawn = draw_up(places, owners, concepts, request, catalogue(outline.language))
    modules = tuple(
        module.model_copy(
            update={
                "quiz": _seeded(module.quiz, drawn.quizzes[module.id]),
                "lessons": tuple(
                    lesson.model_copy(update={"assessment": _seeded(lesson.assessment, drawn.assessments[lesson.id])})
                    for lesson in module.lessons
                ),
            }
        )
        for module in outline.modules
    )
    return outline.model_copy(update={"modules": modules, "exam": _seeded(outline.exam, drawn.exam)})


def ready_to_seed() -> None:
    """Load what `with_seeds` and the measures at the end need, in the process where they are carried out."""
    identifier()


def _seeded(plan: QuestionPlan, drawn: QuestionPlan) -> QuestionPlan:
    pinned = tuple(dict.fromkeys((*plan.passage_ids, *drawn.passage_ids)))
    return plan.model_copy(update={"seeds": drawn.seeds, "passage_ids": pinned})


def _lesson(
    wire: WireLessonPlan,
    lesson_id: str,
    listing: Listing,
    concepts: dict[str, Concept],
    request: CourseRequest,
    promises: Promises,
) -> LessonPlan:
    sections = tuple(_section(one, lesson_id, n, listing, concepts) for n, one in enumerate(wire.sections, 1))
    title = plain(wire.title)
    objectives = promises.texts(wire.objectives, f"objective of “{title}”", needed=True)
    return LessonPlan(
        id=lesson_id,
        title=title,
        description=promises.text(wire.description, f"description of “{title}”"),
        objectives=objectives,
        sections=sections,
        assessment=QuestionPlan(
            wanted=_wanted(request.questions_per_lesson, _QUESTIONS_A_LESSON),
            objectives=objectives,
            passage_ids=_spread([id_ for section in sections for id_ in section.passage_ids], _QUESTION_PASSAGES),
        ),
    )


def _section(
    wire: WireSectionPlan, lesson_id: str, number: int, listing: Listing, concepts: dict[str, Concept]
) -> SectionPlan:
    passages, _ = listing.passages(wire.sources)
    ids = tuple(dict.fromkeys(passage.id for passage in passages))[:MOST_SOURCES]
    return SectionPlan(
        id=derive_id("s-", lesson_id, number, wire.title),
        title=plain(wire.title),
        passage_ids=ids,
        concepts=tuple(concepts[id_] for id_ in ids if id_ in concepts),
        summary=plain(wire.summary),
    )


def _counts(wire: WireOutline, request: CourseRequest) -> list[str]:
    problems = []
    if request.modules and len(wire.modules) != request.modules:
        problems.append(f"{len(wire.modules)} modules; exactly {request.modules} were asked for.")
    if not wire.modules:
        problems.append("there is no module.")
    for module in wire.modules:
        if not module.lessons or (request.lessons and len(module.lessons) != request.lessons):
            wanted = f"exactly {request.lessons} were asked for" if request.lessons else "at least one is needed"
            problems.append(f"module “{module.title}” has {len(module.lessons)} lessons; {wanted}.")
        for lesson in module.lessons:
            if not lesson.sections or (request.sections and len(lesson.sections) != request.sections):
                wanted = f"exactly {request.sections} were asked for" if request.sections else "at least one is needed"
                problems.append(f"lesson “{lesson.title}” has {len(lesson.sections)} sections; {wanted}.")
            if not any(plain(objective) for objective in lesson.objectives):
                problems.append(f"lesson “{lesson.title}” has no objective.")
    return problems


def _titles(wire: WireOutline) -> list[str]:
    problems = []
    seen: set[str] = set()
    for module in wire.modules:
        for titles in ([module.title], [one.title for one in module.lessons]):
            problems += [f"the title “{one}” stands twice." for one in titles if plain(one).casefold() in seen]
            seen.update(plain(one).casefold() for one in titles)
        for lesson in module.lessons:
            own = [plain(section.title).casefold() for section in lesson.sections]
            if len(set(own)) < len(own) or "" in own:
                problems.append(f"lesson “{lesson.title}” has sections with equal or empty titles.")
    return problems


def _sources(wire: WireOutline, listing: Listing) -> list[str]:
    problems = []
    uses: dict[str, int] = {}
    for module in wire.modules:
        for lesson in module.lessons:
            for section in lesson.sections:
                passages, unknown = listing.passages(section.sources)
                if unknown:
                    problems.append(f"section “{section.title}”: there is no passage {', '.join(unknown)}.")
                elif not passages:
                    problems.append(f"section “{section.title}” names no passage to write it from.")
                for alias in dict.fromkeys(section.sources):
                    uses[alias] = uses.get(alias, 0) + 1
    crowded = [alias for alias, count in uses.items() if count > _MOST_SHARED and len(listing.groups) > 1]
    if crowded:
        problems.append(f"{', '.join(crowded[:5])}: more than {_MOST_SHARED} sections rest on the same passage.")
    return problems


def _wanted(asked: int | None, usual: int) -> int:
    return usual if asked is None else asked


def _texts(texts: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(text for text in map(plain, texts) if text))


def _spread(ids: Sequence[str], most: int) -> tuple[str, ...]:
    """Return at most so many ids, taken evenly."""
    unique = list(dict.fromkeys(ids))
    if len(unique) <= most:
        return tuple(unique)
    return tuple(unique[place * len(unique) // most] for place in range(most))


__all__ = ["MOST_SOURCES", "read_outline", "ready_to_seed", "teachable", "with_seeds"]
