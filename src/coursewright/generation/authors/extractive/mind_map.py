"""A lesson's mind map: its sections or headings as branches, its sub-headings and concepts as their leaves."""

from collections.abc import Sequence

from coursewright.course.model import Branch, MindMap, Section
from coursewright.course.plan import LessonPlan
from coursewright.documents.passages import Passage
from coursewright.generation.authors.extractive.catalogue import Catalogue
from coursewright.generation.authors.extractive.material import path_of
from coursewright.generation.authors.extractive.titles import clean, is_generic, label
from coursewright.generation.authors.extractive.words import stems, stop_words

_FEWEST, _MOST = 3, 7
_LEAVES = 5


class _Labels:
    """Gives out labels of at most six words, none twice."""

    def __init__(self, words: Catalogue) -> None:
        self._words, self._used = words, set[tuple[str, ...]]()

    def take(self, title: str) -> str:
        short = label(title, stop_words(self._words.language))
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
    for plan in lesson.sections:
        headings = _headings([by_id[one] for one in plan.passage_ids if one in by_id], words)
        terms = [concept.term for section in sections if section.id == plan.id for concept in section.key_concepts]
        groups.append((plan.title, [*headings, *terms]))
    if len(groups) < _FEWEST:
        # Too few sections to branch on: their headings and concepts become the branches, with leaves by mention.
        inner = [name for _, names in groups for name in names]
        if len(groups) + len(inner) >= _FEWEST:
            groups = [(title, []) for title, _ in groups] + [(name, []) for name in inner]
    taken: list[tuple[str, list[str]]] = []
    for title, names in groups:
        if len(taken) < _MOST:
            short = labels.take(title)
            if short:
                taken.append((short, names))
    branches = []
    for title, names in taken:
        leaves = [leaf for leaf in (labels.take(name) for name in names) if leaf][:_LEAVES]
        branches.append(Branch(title=title, branches=tuple(Branch(title=leaf) for leaf in leaves)))
    return MindMap(topic=topic, branches=tuple(branches))


def _headings(passages: Sequence[Passage], words: Catalogue) -> list[str]:
    found: dict[str, None] = {}
    for passage in passages:
        path = path_of(passage)
        if path:
            title = clean(path[-1], words)
            if title and not is_generic(title, words):
                found[title] = None
    return list(found)


__all__ = ["make_mind_map"]
