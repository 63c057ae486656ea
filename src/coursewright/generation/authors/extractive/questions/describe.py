"""Open questions on a section as a whole, with its most telling sentences as the model answer.

The learner answers in their own words and compares: the one kind that every section with running text can be asked by.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence

from coursewright.documents.passages import Passage
from coursewright.generation.authors.extractive.blocks import SourceBlock
from coursewright.generation.authors.extractive.catalogue import Catalogue
from coursewright.generation.authors.extractive.material import path_of
from coursewright.generation.authors.extractive.questions.draft import Draft
from coursewright.generation.authors.extractive.section import best_sentences
from coursewright.generation.authors.extractive.sentences import is_closed, sentences
from coursewright.generation.authors.extractive.titles import telling
from coursewright.generation.authors.extractive.words import count_words

_SENTENCES, _FEWEST_SENTENCES = 3, 2
_POINTS, _FEWEST_POINTS = 6, 3
_ITEM = re.compile(r"\s*(?:[-*•]|\d+[.)])\s+\S+\s+\S+\s+\S")  # three words at least
_MARK = re.compile(r"\s*(?:[-*•]|\d+[.)])\s+")
_FEWEST_WORDS = 25  # of a model answer


def describing(title: str, shown: Sequence[SourceBlock], section: str, words: Catalogue) -> Iterator[Draft]:
    """Yield the question, unless the title is itself one, or a continuation ("Strings (2)").

    A section that names several headings is asked about by the one of which it shows most.
    """
    sizes: Counter[tuple[str, ...]] = Counter()
    for block in shown:
        sizes[path_of(block.passage)] += len(block.text)
    if len(sizes) > 1 and not any(telling(path[:depth], words) == title for path in sizes for depth in range(1, 9)):
        largest = max(sizes, key=lambda path: sizes[path])
        title, shown = telling(largest, words), [block for block in shown if path_of(block.passage) == largest]
    if title.endswith(("?", "？", "؟", ")")):
        return
    best = best_sentences(shown, title, words, _SENTENCES, aloud=False)
    cited = [(next(block.passage.id for block in shown if sentence in block.text), sentence) for sentence in best]
    answer = ("" if words.characters_per_minute else " ").join(best)
    if len(best) < _FEWEST_SENTENCES or count_words(answer, words.language) < _FEWEST_WORDS:
        passage, cited = _most_points(shown, words)
        if passage is None:
            return
        title = telling(path_of(passage), words)
        answer = "\n".join(line for _, line in cited)
    yield Draft(
        kind="long_answer",
        form="describe",
        subjects=(f"main points of {title}".casefold(),),
        section=section,
        stem=words.say("stems", "describe", title=title),
        objective=words.say("objectives", "describe", title=title),
        explanation="",
        citations=tuple(cited),
        answers=(answer,),
        bloom="understand",
    )


def _first_sentence(line: str, words: Catalogue) -> str:
    """Return a list item up to the end of its first sentence."""
    mark = _MARK.match(line)
    start = mark.end() if mark else 0
    spans = sentences(line[start:], words.language)
    end = start + spans[0][1] if spans else 0
    return line[:end] if len(spans) > 1 and is_closed(line[start:end]) else line


def _most_points(shown: Sequence[SourceBlock], words: Catalogue) -> tuple[Passage | None, list[tuple[str, str]]]:
    """Return the passage with the most list items, as slides have them, and the first of its items as citations."""
    points: dict[str, list[tuple[str, str]]] = {}
    by_id = {block.passage.id: block.passage for block in shown}
    for block in shown:
        if block.kind == "list":
            lines = block.text.splitlines()
            items = [
                (block.passage.id, _first_sentence(line, words))
                for line in lines
                if _ITEM.match(line) and not words.refers_anywhere.search(_first_sentence(line, words))
            ]
            points.setdefault(block.passage.id, []).extend(items)
    id_ = max(points, key=lambda one: len(points[one]), default="")
    if len(points.get(id_, ())) < _FEWEST_POINTS:
        return None, []
    return by_id[id_], points[id_][:_POINTS]


__all__ = ["describing"]
