"""The outline: the sources' headings, cut into modules, lessons and sections of like size."""

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace

from coursewright.course.ids import derive_id
from coursewright.course.plan import Analysis, Concept, CourseRequest, LessonPlan, ModulePlan, Outline, SectionPlan
from coursewright.documents.passages import Passage
from coursewright.errors import TooFewSources, TooLarge
from coursewright.generation.authors.extractive.blocks import blocks, in_language
from coursewright.generation.authors.extractive.blueprint import Blueprint, Place, draw_up
from coursewright.generation.authors.extractive.catalogue import Catalogue, catalogue
from coursewright.generation.authors.extractive.concepts import occurrences
from coursewright.generation.authors.extractive.material import lesson_passages, path_of
from coursewright.generation.authors.extractive.naming import Namer, joined
from coursewright.generation.authors.extractive.reading_order import in_reading_order, is_welcome
from coursewright.generation.authors.extractive.repeats import repeats
from coursewright.generation.authors.extractive.section import shown_blocks
from coursewright.generation.authors.extractive.segment import prices, segment
from coursewright.generation.authors.extractive.titles import clean, telling
from coursewright.generation.authors.extractive.words import stems

_MOST_WORDS = 3_000_000  # a dozen thick books; one attempt at a task ends after 15 minutes, whatever it does
_SECTION, _LESSON, _MODULE = 400, 1_100, 3_600  # words aimed at, where counts are left open
_MOST_MODULES, _MOST_LESSONS, _MOST_SECTIONS = 16, 12, 5  # of a course whose counts are left open
_SMALL, _LARGE = 150, 1_200  # words: smaller pieces are merged with a neighbour, larger ones are not
_EXPLAINED_USES = 2  # of a glossary's term in the section that it is shown with
_TITLE_PAGE = 60  # words: a heading with fewer below it, that is also the document's title, is no chapter
_LEAST = 40  # words of the smallest section worth a title, where exact counts press


@dataclass(frozen=True, slots=True)
class _Piece:
    """Neighbouring passages that stay together."""

    passages: tuple[Passage, ...]
    words: int

    @property
    def path(self) -> tuple[str, ...]:
        return path_of(self.passages[0])


def make_outline(passages: Sequence[Passage], analysis: Analysis, request: CourseRequest) -> Outline:
    """Return the outline. Raises `TooFewSources` when the counts asked for do not fit the sources, and `TooLarge`."""
    if analysis.words > _MOST_WORDS:
        raise TooLarge(
            f"the sources hold {analysis.words:,} words; the built-in author looks through {_MOST_WORDS:,} at most",
            hint="make several courses, each from some of the documents",
        )
    words = catalogue(analysis.language)
    own = [passage for passage in passages if in_language(passage, analysis.language)]
    ordered = in_reading_order(own, words)
    teaching, left_out = lesson_passages(ordered, words)
    if not teaching:
        raise TooFewSources(
            f"the sources hold no text in '{analysis.language}' that a lesson can be made of",
            hint="add documents, or choose another language",
        )
    modules = _structure(teaching, request, words)
    places, titles = _places(modules, words)
    owners = _owners(analysis.concepts, places, words)
    said = repeats(places, owners, words)
    places = [
        replace(place, shown=tuple(shown_blocks(place.passages, owners[place.section], words, said[place.section])))
        for place in places
    ]
    blueprint = draw_up(places, owners, analysis.concepts, request, words)
    notes = []
    if left_out:
        notes.append(words.say("notes", "left_out", titles=words.enumerate(left_out)))
    others = [name for name in analysis.languages if name not in (analysis.language, "und")]
    if others:
        notes.append(words.say("notes", "other_languages", languages=", ".join(others)))
    plans = _plans(places, titles, owners, said, blueprint, words)
    return Outline(
        title=request.title or _course_title(ordered, teaching, [plan.title for plan in plans], words),
        description=request.description,
        language=analysis.language,
        objectives=blueprint.course_objectives,
        modules=plans,
        exam=blueprint.exam,
        notes=tuple(notes),
    )


def _structure(teaching: list[Passage], request: CourseRequest, words: Catalogue) -> list[list[list[list[Passage]]]]:
    """Cut the passages into modules of lessons of sections."""
    lessons, sections = request.lessons or 1, request.sections or 1
    needed = (request.modules or 1) * lessons * sections
    pieces = _pieces(teaching, _SMALL, words)
    # Pieces merged for comfort are taken apart again where the counts asked for need more of them.
    for small, enough in ((_LEAST, needed * 2), (0, needed)):
        if len(pieces) < enough:
            pieces = _pieces(teaching, small, words)
    if len(pieces) < needed:
        raise TooFewSources(
            f"{needed} sections were asked for (modules: {request.modules or 1}, lessons in each: {lessons}, "
            f"sections in each: {sections}), but the sources carry at most {len(pieces)}",
            hint=f"ask for at most {len(pieces)} sections in all, or add documents",
        )
    total = sum(piece.words for piece in pieces)
    scale = max(1.0, total / (_MOST_MODULES * _MODULE))
    finer = math.sqrt(scale)  # long sources make more lessons, and longer ones, but no endless ones
    result = []
    for module in _cut(pieces, request.modules, _MODULE * scale, lessons * sections, _MOST_MODULES):
        cut = []
        for lesson in _cut(module, request.lessons, _LESSON * finer, sections, _MOST_LESSONS):
            aim = _SECTION * finer
            cut.append(
                [
                    [passage for piece in section for passage in piece.passages]
                    for section in _cut(lesson, request.sections, aim, 1, _MOST_SECTIONS)
                ]
            )
        result.append(cut)
    return result


def _cut(pieces: list[_Piece], groups: int | None, target: float, least: int, most: int) -> list[list[_Piece]]:
    ends = segment(
        [piece.words for piece in pieces],
        *prices([piece.path for piece in pieces]),
        groups=groups,
        target=target,
        least=least,
        most=most,
    )
    return [pieces[start:end] for start, end in zip([0, *ends], ends, strict=False)]


def _pieces(passages: list[Passage], small: int, words: Catalogue) -> list[_Piece]:
    """Merge passages under `small` words with the next of the same parent heading and document, or with the last.

    A passage that goes on from the one before it ("Note that …", or a list without its lead-in) stays with it too.
    """
    pieces: list[_Piece] = []
    for passage in passages:
        piece = _Piece((passage,), passage.words)
        last = pieces[-1] if pieces else None
        begun = last is not None and (last.words < small or (small > 0 and _goes_on(passage, last.path, words)))
        if last and begun and _fit(last, piece, anyhow=last.words < _LEAST):
            pieces[-1] = _merged(last, piece)
        else:
            pieces.append(piece)
    merged: list[_Piece] = []
    for piece in pieces:
        if merged and piece.words < small and _fit(merged[-1], piece):
            merged[-1] = _merged(merged[-1], piece)
        else:
            merged.append(piece)
    return merged


def _fit(left: _Piece, right: _Piece, *, anyhow: bool = False) -> bool:
    """Tell whether two neighbours may be one: of one document, not too long, and, unless `anyhow`, related."""
    same = left.passages[-1].document == right.passages[0].document
    return same and left.words + right.words <= _LARGE and (anyhow or _related(left.path, right.path))


def _merged(left: _Piece, right: _Piece) -> _Piece:
    return _Piece((*left.passages, *right.passages), left.words + right.words)


def _goes_on(passage: Passage, path: tuple[str, ...], words: Catalogue) -> bool:
    """Tell whether a passage under the same heading begins in the middle of a thought."""
    first = next(blocks(passage, words.language), None)
    return (
        path_of(passage) == path
        and first is not None
        and (first.kind not in ("paragraph", "note") or bool(words.refers_opener.match(first.text)))
    )


def _related(left: tuple[str, ...], right: tuple[str, ...]) -> bool:
    """Tell whether one heading lies under the other, or both under the same."""
    shorter = min(len(left), len(right))
    return left[: shorter - 1] == right[: shorter - 1] and (
        len(left) == len(right) or left[:shorter] == right[:shorter]
    )


def _places(modules: list[list[list[list[Passage]]]], words: Catalogue) -> tuple[list[Place], dict[str, str]]:
    """Name every section, lesson and module; ids come from documents, headings and first passage, not from numbers."""
    everything = [p for module in modules for lesson in module for section in lesson for p in section]
    namer = Namer(words)
    titles: dict[str, str] = {}
    places: list[Place] = []
    for module in modules:
        in_module = [p for lesson in module for section in lesson for p in section]
        module_id = derive_id("m-", *_identity(in_module))
        titles[module_id] = namer.name("module", _without_welcome(in_module), everything)
        for lesson in module:
            in_lesson = [p for section in lesson for p in section]
            lesson_id = derive_id("l-", *_identity(in_lesson))
            titles[lesson_id] = namer.name("lesson", in_lesson, in_module if len(module) > 1 else in_lesson)
            for section in lesson:
                section_id = derive_id("s-", *_identity(section))
                scope = in_lesson if len(lesson) > 1 else section
                titles[section_id] = namer.name(lesson_id, section, scope)
                places.append(Place(module_id, lesson_id, section_id, titles[section_id], tuple(section)))
    return places, titles


def _without_welcome(passages: list[Passage]) -> list[Passage]:
    """Leave out the welcome page, which is named as the whole course is, unless it is most of what there is."""
    others = [passage for passage in passages if not is_welcome(passage)]
    return others if 2 * sum(p.words for p in others) >= sum(p.words for p in passages) else passages


def _identity(passages: Sequence[Passage]) -> tuple[str, ...]:
    first = passages[0]
    return (first.document, *first.heading_path, *(passage.id for passage in passages))


def _owners(concepts: Sequence[Concept], places: list[Place], words: Catalogue) -> dict[str, list[Concept]]:
    """Give each concept to the section that defines it, else to the first whose text is on it."""
    by_passage = {passage.id: place.section for place in places for passage in place.passages}
    elsewhere = [concept.term for concept in concepts if concept.passage_id not in by_passage]
    uses: dict[tuple[str, ...], dict[str, int]] = defaultdict(dict)  # by term, by section, in the course's order
    counted = occurrences(elsewhere, [place.passages for place in places], words.language)
    for place, counts in zip(places, counted, strict=True):
        for key, times in counts.items():
            uses[key][place.section] = times
    owned: dict[str, list[Concept]] = {place.section: [] for place in places}
    for concept in concepts:
        section = by_passage.get(concept.passage_id)
        if section is None:
            found = uses[tuple(stems(concept.term, words.language))]
            most = max(found.values(), default=0)
            if most < _EXPLAINED_USES:
                continue  # mentioned in passing, if at all
            # Met early, not where it is used most.
            section = next(name for name, times in found.items() if times >= max(_EXPLAINED_USES, most / 2))
        owned[section].append(concept)
    return owned


def _plans(
    places: list[Place],
    titles: dict[str, str],
    owners: dict[str, list[Concept]],
    said: dict[str, tuple[str, ...]],
    blueprint: Blueprint,
    words: Catalogue,
) -> tuple[ModulePlan, ...]:
    tree: dict[str, dict[str, list[Place]]] = {}
    for place in places:
        tree.setdefault(place.module, {}).setdefault(place.lesson, []).append(place)
    return tuple(
        ModulePlan(
            id=module,
            title=titles[module],
            objectives=blueprint.module_objectives[module],
            lessons=tuple(
                LessonPlan(
                    id=lesson,
                    title=titles[lesson],
                    objectives=blueprint.lesson_objectives[lesson],
                    sections=tuple(
                        SectionPlan(
                            id=one.section,
                            title=one.title,
                            passage_ids=tuple(passage.id for passage in one.passages),
                            concepts=tuple(owners[one.section]),
                            repeats=said[one.section],
                        )
                        for one in sections
                    ),
                    assessment=blueprint.assessments[lesson],
                )
                for lesson, sections in lessons.items()
            ),
            quiz=blueprint.quizzes[module],
        )
        for module, lessons in tree.items()
    )


def _course_title(
    ordered: Sequence[Passage], teaching: Sequence[Passage], modules: Sequence[str], words: Catalogue
) -> str:
    """Return what the sources call themselves: their one document, or their welcome page; else name the modules."""
    documents = dict.fromkeys(passage.title for passage in teaching if passage.title)
    if len(documents) == 1:
        title = next(iter(documents))
        under = [passage for passage in teaching if title in passage.heading_path]
        # Else it is only the first heading of a document without a title, if it is no title page.
        if len(under) in (0, len(teaching)) or sum(passage.words for passage in under) < _TITLE_PAGE:
            return title
    if is_welcome(ordered[0]) and ordered[0].heading_path:
        return clean(ordered[0].heading_path[0], words)
    if len(modules) == 1:
        return modules[0]
    tops = list(dict.fromkeys(telling(path_of(passage)[:1], words) for passage in teaching))
    named = tops if len(tops) > 1 else modules
    if len(named) == 2:
        return joined(named, words)
    return words.say("outline", "more", a=named[0], b=named[1])


__all__ = ["make_outline"]
