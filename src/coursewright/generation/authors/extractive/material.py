"""Which passages become lessons, and under which headings they stand."""

import re
from collections import Counter
from collections.abc import Sequence

from coursewright.documents.passages import Passage
from coursewright.generation.authors.extractive.blocks import blocks
from coursewright.generation.authors.extractive.catalogue import Catalogue
from coursewright.generation.authors.extractive.reading_order import is_welcome
from coursewright.generation.authors.extractive.section import has_content
from coursewright.generation.authors.extractive.titles import clean, is_glossary, is_matter
from coursewright.generation.authors.extractive.tongue import reads_as

_LEAST_WORDS = 5
_COVER, _BOOK = 60, 3_000  # words of a page that only says which book this is, and of the smallest book that has one
_CONTENTS_LINES, _CONTENTS = 3, 0.6  # lines, and the share of them that are headings, of a table of contents
_BULLET = re.compile(r"^\s*[-*•]\s+")


def lesson_passages(passages: Sequence[Passage], words: Catalogue) -> tuple[list[Passage], tuple[str, ...]]:
    """Return the passages that teach, in order, and the headings of those left out (matter and glossaries).

    Where nothing but such matter is there, all of it is returned: a course from a glossary is better than none.
    """
    kept: list[Passage] = []
    left_out: dict[str, None] = {}
    headings = {clean(heading, words).casefold() for passage in passages for heading in passage.heading_path}
    given = [one for one in passages if one.words >= _LEAST_WORDS and has_content(one, words)]
    covers = _covers(passages, words)
    for passage in given:
        matter = next(
            (h for h in path_of(passage) if is_matter(h, words) or is_glossary(h, words)),
            None,
        )
        if matter is not None:
            left_out[clean(matter, words)] = None
        elif passage.id not in covers and not _is_contents(passage, headings, words):
            kept.append(passage)
    if not kept:
        return given, ()
    return kept, tuple(left_out)


def _covers(passages: Sequence[Passage], words: Catalogue) -> set[str]:
    """Return the ids of covers: the first of a book, if it is a short welcome page or holds a table of contents."""
    sizes: Counter[str] = Counter()
    for passage in passages:
        sizes[passage.document] += passage.words
    first = {passage.document: passage for passage in reversed(passages)}
    return {
        passage.id
        for document, passage in first.items()
        if (is_welcome(passage) and passage.words < _COVER and sizes.total() >= _BOOK)
        or (sizes[document] >= _BOOK and any(is_matter(block.text, words) for block in blocks(passage, words.language)))
    }


def _is_contents(passage: Passage, headings: set[str], words: Catalogue) -> bool:
    """Tell whether a passage only lists headings of the sources: a table of contents, an agenda slide."""
    own = {heading.casefold() for heading in passage.heading_path}
    lines = [clean(_BULLET.sub("", line), words).casefold() for line in passage.text.splitlines() if line.strip()]
    lines = [line for line in lines if line and line not in own]
    return len(lines) >= _CONTENTS_LINES and sum(line in headings for line in lines) >= _CONTENTS * len(lines)


def path_of(passage: Passage) -> tuple[str, ...]:
    """Return the heading path; the document's title stands in where a document has no headings."""
    return passage.heading_path or ((passage.title,) if passage.title else ())


def common_path(passages: Sequence[Passage]) -> tuple[str, ...]:
    """Return the headings that all the passages share, over the borders of documents too."""
    if not passages:
        return ()
    shared = path_of(passages[0])
    for passage in passages[1:]:
        path = path_of(passage)
        length = 0
        while length < min(len(shared), len(path)) and shared[length] == path[length]:
            length += 1
        shared = shared[:length]
    return shared


def top_headings(passages: Sequence[Passage], words: Catalogue) -> tuple[str, ...]:
    """Return the highest headings that differ, those with most words first."""
    depth = len(common_path(passages))
    sizes: Counter[str] = Counter()
    for passage in passages:
        path = path_of(passage)
        if path:
            title = clean(path[min(depth, len(path) - 1)], words)
            if reads_as(title, words.language):
                sizes[title] += passage.words
    order = {title: place for place, title in enumerate(sizes)}
    return tuple(sorted((title for title in sizes if title), key=lambda title: (-sizes[title], order[title])))


__all__ = ["common_path", "lesson_passages", "path_of", "top_headings"]
