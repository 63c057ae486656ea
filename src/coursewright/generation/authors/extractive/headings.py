"""The headings inside a section: where its passages stood under several, each stands before its blocks."""

from collections.abc import Sequence

from coursewright.documents.passages import Passage
from coursewright.generation.authors.extractive.blocks import SourceBlock
from coursewright.generation.authors.extractive.catalogue import Catalogue
from coursewright.generation.authors.extractive.titles import clean, telling
from coursewright.generation.authors.extractive.tongue import reads_as

_CODE = "\ue000"  # stands for a code mark, which stays


def with_headings(
    kept: Sequence[SourceBlock], passages: Sequence[Passage], title: str, words: Catalogue
) -> list[SourceBlock]:
    """Return the blocks of the section `title` with a paragraph for each heading that the title does not say."""
    headings = {_place(passage): block for passage in reversed(passages) if (block := _heading(passage, words))}
    shown: list[SourceBlock] = []
    last = None
    for block in kept:
        place = _place(block.passage)
        heading = headings.get(place)
        if place != last and heading and not _says(title, block.passage.heading_path, words):
            shown.append(heading)
        last = place
        shown.append(block)
    return shown


def _place(passage: Passage) -> tuple[str, ...]:
    return (passage.document, *passage.heading_path)


def _says(title: str, path: Sequence[str], words: Catalogue) -> bool:
    """Tell whether a title is that of a heading, or a continuation ("Strings (2)")."""
    heading = telling(path, words).casefold()
    return title.casefold().startswith(heading) and title[len(heading) :].lstrip()[:1] in ("", "(")


def _heading(passage: Passage, words: Catalogue) -> SourceBlock | None:
    """Return the heading that a passage begins with, without its number."""
    first = passage.spans[0] if passage.spans else None
    if first is None or first.kind != "heading" or not passage.heading_path:
        return None
    text = passage.text[first.start : first.end]
    title = clean(text.replace("`", _CODE), words).replace(_CODE, "`")
    at = max(text.find(title), 0)
    end = at + len(title) if text.startswith(title, at) else len(text)
    if not any(map(str.isalnum, title)) or not reads_as(title, words.language):
        return None
    return SourceBlock(passage, "paragraph", first.start + at, first.start + end)


__all__ = ["with_headings"]
