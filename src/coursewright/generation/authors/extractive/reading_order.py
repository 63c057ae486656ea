"""The order in which a reader would take the documents: by their chapter numbers, where they have them.

A handbook published as one file a section (`apt.html`, `boot.html`) sorts by name into nonsense; its headings say where
each file belongs ("Chapter 6.", "6.2."). A section whose chapter is another file is put under that chapter's heading.
A welcome page (`index.html`, `README.md`) comes first, then what counts beside the chapters: where there is a
"Chapter 2.", a bare "2." is a section of the preface.
"""

import itertools
import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

from coursewright.documents.passages import Passage
from coursewright.generation.authors.extractive.catalogue import Catalogue
from coursewright.generation.authors.extractive.titles import is_matter

_NUMBERED_SHARE = 0.5  # of the documents: fewer numbers are chance
_APPENDIX = 1_000  # appendices A, B, … come after the chapters
_WELCOME = re.compile(r"(?:index|readme|00\w*)\.\w+", re.I)
_BARE = re.compile(r"(\d{1,2}) (?=\S)")
_FEWEST_IN_SEQUENCE = 3

Number = tuple[int, ...]


def in_reading_order(passages: Sequence[Passage], words: Catalogue) -> list[Passage]:
    """Return the passages in reading order, with the headings of their chapters put above their own."""
    ordered = _with_clear_numbers(sorted(passages, key=lambda passage: passage.ordinal))
    first: dict[str, Number] = {}
    named: dict[str, Number] = {}  # of documents that say "Chapter" before their number
    for passage in ordered:
        if passage.document not in first and passage.heading_path:
            first[passage.document] = heading_number(passage.heading_path[0], words)
            if re.match(rf"\s*(?:第|(?:{words.numbering.pattern})\b)", passage.heading_path[0], re.IGNORECASE):
                named[passage.document] = first[passage.document]
    numbers = [number for number in first.values() if number]
    if len(numbers) < max(2, _NUMBERED_SHARE * len(first)):
        return ordered
    of_chapters = set(named.values())
    for document, number in first.items():
        if number and number in of_chapters and document not in named:
            first[document] = (0, *number)
    chapters: dict[Number, str] = {}
    for passage in ordered:
        for heading in passage.heading_path[:1]:
            number = first[passage.document]
            if number and heading_number(heading, words) == number:
                chapters.setdefault(number, heading)
            elif not number and is_matter(heading, words):
                chapters.setdefault((0,), heading)
    last: Number = (2 * _APPENDIX,)

    def place(passage: Passage) -> Number:
        return first.get(passage.document) or ((0,) if is_welcome(passage) else last)

    placed = sorted(ordered, key=place)  # stable: within a file as it was
    return [_under_chapter(passage, first.get(passage.document, ()), chapters) for passage in placed]


def is_welcome(passage: Passage) -> bool:
    """Tell whether the passage is of a page that opens a whole set of documents."""
    return bool(_WELCOME.fullmatch(passage.document))


def heading_number(heading: str, words: Catalogue) -> Number:
    """Return the number of a heading: (6, 2) of "6.2. Title", (6,) of "Chapter 6. Title"; () when it has none."""
    found = re.match(
        rf"\s*(?:(?:{words.numbering.pattern})\s+|第\s*)?"
        r"(?:(\d{1,3}(?:\.\d{1,3})*)(?:[.:]|\s*章|\s)|([A-Z])[.](\d{1,3}(?:\.\d{1,3})*)?)\s*",
        heading,
        re.IGNORECASE,
    )
    if not found:
        return ()
    parts = tuple(int(part) for part in (found[1] or found[3] or "").split(".") if part)
    return (_APPENDIX + ord(found[2].upper()), *parts) if found[2] else parts


def _with_clear_numbers(passages: list[Passage]) -> list[Passage]:
    """Write "2 Title" as "2. Title" where the headings of a document count 1, 2, 3: else "3 ways" is a title."""
    counted: dict[tuple[str, int], dict[int, None]] = defaultdict(dict)
    for passage in passages:
        for depth, heading in enumerate(passage.heading_path):
            if found := _BARE.match(heading):
                counted[passage.document, depth][int(found[1])] = None
    numbered = {
        key
        for key, numbers in counted.items()
        if len(numbers) >= _FEWEST_IN_SEQUENCE and all(b == a + 1 for a, b in itertools.pairwise(numbers))
    }
    if not numbered:
        return passages
    return [
        replace(
            passage,
            heading_path=tuple(
                _BARE.sub(r"\1. ", heading, count=1) if (passage.document, depth) in numbered else heading
                for depth, heading in enumerate(passage.heading_path)
            ),
        )
        for passage in passages
    ]


def _under_chapter(passage: Passage, number: Number, chapters: dict[Number, str]) -> Passage:
    above = [chapters[number[:length]] for length in range(1, len(number)) if number[:length] in chapters]
    return replace(passage, heading_path=(*above, *passage.heading_path)) if above else passage


__all__ = ["heading_number", "in_reading_order", "is_welcome"]
