"""A lesson's mind map: its sections or headings as branches, its sub-headings and concepts as their leaves."""

from collections.abc import Sequence

from coursewright.course.model import Branch, MindMap, Section
from coursewright.course.plan import LessonPlan
from coursewright.documents.passages import Passage
from coursewright.generation.authors.extractive.catalogue import Catalogue
from coursewright.generation.authors.extractive.titles import clean, is_generic, label, without_number
from coursewright.generation.authors.extractive.tongue import reads_as
from coursewright.generation.authors.extractive.words import function_words, stems

_FEWEST, _MOST = 3, 7
_LEAVES = 5


class _Labels:
    """Gives out labels of at most six words, none twice."""

    def __init__(self, words: Catalogue) -> None:
        self._words, self._used = words, set[tuple[str, ...]]()

    def take(self, title: str) -> str:
        short = label(title, function_words(self._words.language))
        key = tuple(stems(short, self._words.language))
        if not key or key in self._used:
            return ""
        self._used.add(key)
        return short


def make_mind_map(
    lesson: LessonPlan, sections: Sequence[Section], passages: Sequence[Passage], words: Catalogue
) -> MindMap:
    """Return the mind map: three levels, three to seven branches where the lesson has as many headings or concepts."""
    labels = _Labels(words)
    topic = labels.take(lesson.title) or lesson.title
    by_id = {passage.id: passage for passage in passages}
    groups: list[tuple[str, list[str]]] = []
    finer: list[tuple[str, list[str]]] = []
    for plan in lesson.sections:
        terms = [concept.term for section in sections if section.id == plan.id for concept in section.key_concepts]
        under = _headings([by_id[one] for one in plan.passage_ids if one in by_id], terms, words)
        placed = {term for _, found in under for term in found}
        groups.append((plan.title, [*(heading for heading, _ in under), *terms]))
        finer += under or [(plan.title, terms)]
        finer += [(term, []) for term in terms if term not in placed]
    if len(groups) < _FEWEST:
        groups = finer  # too few sections to branch on: their headings, with the terms that stand under each
    taken: list[tuple[str, list[str]]] = []
    loose: list[str] = []  # what stands under a title that is on the map already
    for title, names in groups:
        short = labels.take(without_number(title)) if len(taken) < _MOST else ""
        if short:
            taken.append((short, names))
        else:
            loose += names
    for name in loose:
        if len(taken) < _MOST and (short := labels.take(name)):
            taken.append((short, []))
    branches = []
    for title, names in taken:
        leaves = [leaf for leaf in (labels.take(name) for name in names) if leaf][:_LEAVES]
        branches.append(Branch(title=title, branches=tuple(Branch(title=leaf) for leaf in leaves)))
    return MindMap(topic=topic, branches=tuple(branches))


def _headings(passages: Sequence[Passage], terms: Sequence[str], words: Catalogue) -> list[tuple[str, list[str]]]:
    """Return the headings of the passages, each with those of the terms that it is the first to mention."""
    found: dict[str, list[str]] = {}
    left = list(terms)
    for passage in passages:
        title = clean(passage.heading_path[-1], words) if passage.heading_path else ""
        if title and not is_generic(title, words) and reads_as(title, words.language):
            text = passage.text.casefold()
            mentioned = [term for term in left if term.casefold() in text]
            left = [term for term in left if term not in mentioned]
            found.setdefault(title, []).extend(mentioned)
    return list(found.items())


__all__ = ["make_mind_map"]
