"""Cuts a document into passages: at headings first, then between blocks, inside a block only when it is huge.

Measured on real handbooks: splitters that cut by size alone let a third of the passages cross a heading.
"""

import hashlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from typing import cast

from coursewright.course.ids import derive_id
from coursewright.documents.passages import Passage, ReadDocument, Span
from coursewright.documents.read.languages import count_words, most_common

_FEWEST = 150  # words; a passage that has less takes the next block of its section
_MOST = 400
_CAPTION = 15  # words; a short paragraph in front of a table goes with it
_HUGE = 700  # words; a single block beyond this is cut inside
_LETTERS = 40  # characters; a word that has more, as in data that are no prose, counts as several


def split(document: ReadDocument, name: str, first_ordinal: int = 0) -> list[Passage]:
    """Return the passages of `document`, in order; `name` is its path in the knowledge base.

    A passage begins with the heading of its section where it is the section's first. Every block is in exactly one
    passage (a heading with nothing below it belongs to the next passage's heading path only).
    """
    seen: Counter[tuple[object, ...]] = Counter()
    passages: list[Passage] = []
    for path, spans in _groups(document):
        start, end = spans[0].start, spans[-1].end
        text = document.text[start:end]
        content = spans[1:] if spans[0].kind == "heading" and len(spans) > 1 else spans
        language = most_common((span.language, span.end - span.start) for span in content if span.kind != "code")
        place = (name, "\x1e".join(path), text)
        passages.append(
            Passage(
                id=derive_id("p", *place, seen[place]),
                document=name,
                title=document.title,
                ordinal=first_ordinal + len(passages),
                heading_path=path,
                start=start,
                end=end,
                text=text,
                language=language or document.language,
                sha256=hashlib.sha256(text.encode()).hexdigest(),
                page=spans[0].page,
                time_code=spans[0].time_code,
                licence=document.licence,
                attribution=document.attribution,
                spans=tuple(replace(span, start=span.start - start, end=span.end - start) for span in spans),
            )
        )
        seen[place] += 1
    return _with_terms(document, passages)


def _groups(document: ReadDocument) -> Iterator[tuple[tuple[str, ...], list[Span]]]:
    """Yield heading path and spans of each passage-to-be."""
    chain: list[tuple[int, str]] = []
    section: list[Span] = []
    for span in document.spans:
        if span.kind != "heading":
            section.append(span)
            continue
        yield from _cut(document.text, tuple(title for _, title in chain), section)
        chain = [(level, title) for level, title in chain if level < span.level]
        chain.append((span.level, document.text[span.start : span.end]))
        section = [span]
    yield from _cut(document.text, tuple(title for _, title in chain), section)


def _cut(text: str, path: tuple[str, ...], section: list[Span]) -> Iterator[tuple[tuple[str, ...], list[Span]]]:
    if all(span.kind == "heading" for span in section):
        return
    pieces = [piece for span in section for piece in _pieces(text, span)]
    sizes = [_size(text[span.start : span.end]) for span in pieces]
    left = sum(sizes)
    group: list[Span] = []
    size = 0
    for span, words in zip(pieces, sizes, strict=True):
        only_heading = all(one.kind == "heading" for one in group)
        leads_in = bool(group) and text[group[-1].start : group[-1].end].rstrip().endswith((":", "："))
        full = size >= _FEWEST and (size + words > _MOST or (size >= 300 and left > _FEWEST))
        too_much = size + words > _MOST and size >= _FEWEST // 3
        if group and not only_heading and (full or too_much) and not (leads_in and size + words <= 2 * _MOST):
            caption = group.pop() if _is_caption(text, group, span) else None
            yield path, group
            group, size = [], 0
            if caption is not None:
                group, size = [caption], _size(text[caption.start : caption.end])
        group.append(span)
        size += words
        left -= words
    if group:
        yield path, group


def _is_caption(text: str, group: list[Span], following: Span) -> bool:
    """Tell whether the last block of a group belongs to the table, figure or code that follows."""
    last = group[-1]
    short = last.kind == "paragraph" and count_words(text[last.start : last.end]) <= _CAPTION
    return short and following.kind in ("table", "figure", "code") and any(one.kind != "heading" for one in group[:-1])


def _pieces(text: str, span: Span) -> Iterator[Span]:
    """Yield the span itself, or its parts when it is huge; parts are separated by white space that no part holds."""
    block = text[span.start : span.end]
    if _size(block) <= _HUGE:
        yield span
        return
    offsets = list(_line_parts(block)) if span.kind in ("list", "table", "code") else _semantic_parts(block)
    for start, end in offsets:
        for cut in range(start, end, _MOST * _LETTERS):
            yield replace(span, start=span.start + cut, end=span.start + min(cut + _MOST * _LETTERS, end))


def _size(text: str) -> int:
    return max(count_words(text), len(text) // _LETTERS)


def _line_parts(block: str) -> Iterator[tuple[int, int]]:
    start = end = size = 0
    for line in block.split("\n"):
        words = count_words(line)
        if words > _HUGE:
            if end > start:
                yield start, end
            here = end + 1 if end else 0
            for begin, stop in _semantic_parts(line):
                yield here + begin, here + stop
            start, size = here + len(line) + 1, 0
            end = start - 1
            continue
        if size and size + words > _MOST:
            yield start, end
            start, size = end + 1, 0
        end = (end + 1 if end else 0) + len(line)
        size += words
    if end > start:
        yield start, end


def _semantic_parts(block: str) -> list[tuple[int, int]]:
    from semchunk.semchunk import chunk

    _, offsets = cast("tuple[list[str], list[tuple[int, int]]]", chunk(block, _MOST, count_words, offsets=True))
    return [
        (start + len(block[start:end]) - len(block[start:end].lstrip()), start + len(block[start:end].rstrip()))
        for start, end in offsets
        if block[start:end].strip()
    ]


def _with_terms(document: ReadDocument, passages: list[Passage]) -> list[Passage]:
    """Give each passage the terms that lie in it; a definition that lies elsewhere is left out."""
    result, index, terms = [], 0, document.terms
    for passage in passages:
        own = []
        while index < len(terms) and terms[index].start < passage.end:
            term = terms[index]
            index += 1
            if term.start < passage.start or term.end > passage.end:
                continue
            definition = term.definition
            if definition and not (passage.start <= definition[0] and definition[1] <= passage.end):
                definition = None
            moved = definition and (definition[0] - passage.start, definition[1] - passage.start)
            own.append(replace(term, start=term.start - passage.start, end=term.end - passage.start, definition=moved))
        result.append(replace(passage, terms=tuple(own)) if own else passage)
    return result


__all__ = ["split"]
