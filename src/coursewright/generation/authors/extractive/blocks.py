"""The blocks of a passage: verbatim spans with their kind, in the language that the course is written in."""

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass

from coursewright.course.model import BlockKind, Citation
from coursewright.documents.passages import Passage
from coursewright.generation.authors.extractive.sentences import is_closed, sentences
from coursewright.generation.authors.extractive.tongue import reads_as

_WHOLE_QUOTE_WORDS = 40
_ITEM = re.compile(r"^(?:[-*•]|(?P<number>\d+[.)]))\s", re.M)
_PROMPT = re.compile(r"\s*(?:[$#%] |>>> )\S")


@dataclass(frozen=True, slots=True)
class SourceBlock:
    """`passage.text[start:end]` is `text`."""

    passage: Passage
    kind: BlockKind
    start: int
    end: int

    @property
    def text(self) -> str:
        return self.passage.text[self.start : self.end]

    @property
    def place(self) -> str:
        """Return what tells the block from all others: its passage and where it begins there."""
        return f"{self.passage.id}:{self.start}"


def in_language(passage: Passage, language: str) -> bool:
    """Tell whether the passage is in the language, or in none that could be told."""
    return passage.language in ("", language)


def blocks(passage: Passage, language: str) -> Iterator[SourceBlock]:
    """Yield the passage's blocks in order, headings and paragraphs of other languages left out."""
    if not passage.spans:
        if passage.text.strip():
            yield _trimmed(passage, "paragraph", 0, len(passage.text))
        return
    for span in passage.spans:
        if span.kind == "heading" or not passage.text[span.start : span.end].strip():
            continue
        if span.kind in ("paragraph", "list", "note") and not (
            span.language in ("", language) and reads_as(passage.text[span.start : span.end], language)
        ):
            continue
        if span.kind == "list":
            yield from _own_items(passage, span.start, span.end, language)
            continue
        kind: BlockKind = span.kind
        if kind == "paragraph" and _PROMPT.match(passage.text, span.start):
            kind = "code"  # some formats set commands as paragraphs
        yield _trimmed(passage, kind, span.start, span.end)


def _own_items(passage: Passage, start: int, end: int, language: str) -> Iterator[SourceBlock]:
    """Yield a list without its untranslated items, as runs of the others; a numbered one whole or not at all."""
    text = passage.text[start:end]
    marks = list(_ITEM.finditer(text))
    starts = [0, *(mark.start() for mark in marks if mark.start())]
    items = list(zip(starts, [*starts[1:], len(text)], strict=True))
    own = [reads_as(text[first:last], language) for first, last in items]
    if all(own):
        yield _trimmed(passage, "list", start, end)
    elif not any(mark["number"] for mark in marks):
        for translated, run in itertools.groupby(zip(own, items, strict=True), key=lambda pair: pair[0]):
            spans = [span for _, span in run]
            if translated:
                yield _trimmed(passage, "list", start + spans[0][0], start + spans[-1][1])


def _trimmed(passage: Passage, kind: BlockKind, start: int, end: int) -> SourceBlock:
    """Leave out blank lines around a block, but never the indentation of its first line."""
    text = passage.text[start:end]
    body = text.rstrip()
    lead = len(body) - len(body.lstrip("\n"))
    if kind == "paragraph":
        lead = len(body) - len(body.lstrip())
    return SourceBlock(passage, kind, start + lead, start + len(body))


def cite(block: SourceBlock, language: str) -> Citation:
    """Cite a block: all of it when it is short, else its first whole sentence or line."""
    text = block.text
    if len(text.split()) <= _WHOLE_QUOTE_WORDS and len(text) <= 400:
        return Citation(passage_id=block.passage.id, quote=text)
    if block.kind in ("paragraph", "note"):
        found = [text[start:end] for start, end in sentences(text, language)]
        return Citation(passage_id=block.passage.id, quote=next(filter(is_closed, found), found[0]))
    lines = [line for line in text.splitlines() if line.strip()]
    return Citation(passage_id=block.passage.id, quote=lines[0])


__all__ = ["SourceBlock", "blocks", "cite", "in_language"]
