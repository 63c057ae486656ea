"""Headings of a PDF: what its outline names, or lines in larger or bolder type; and the title of its first page."""

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from coursewright.documents.read.inline import fold
from coursewright.documents.read.pdf_lines import Line, body_size
from coursewright.documents.read.pdf_text import BULLET, ENDS_SENTENCE

_NUMBERING = re.compile(
    r"^(?:(?i:chapter|appendix|part|section|kapitel|anhang|chapitre)\s+)?(?:\d+|[A-Z])(?:\.\d+)*[.:]?\s+"
)
_DEEP_NUMBER = re.compile(r"^(\d+(?:\.\d+){2,4})\.?\s+[^\W\d]")
_LETTERS = re.compile(r"[\W_]+")


@dataclass(frozen=True, slots=True)
class Bookmark:
    """An entry of the outline; `page` counts from 0, `top` is the distance from the top of the page, if it is known."""

    level: int
    title: str
    page: int
    top: float | None = None


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading that begins at a line and takes up `lines` of them; 0: the outline names it, the page does not."""

    level: int
    title: str
    lines: int


def _key(text: str) -> str:
    return _LETTERS.sub("", text.lower())


def headings_of_outline(lines: Sequence[Line], bookmarks: Sequence[Bookmark]) -> dict[int, list[Heading]]:
    """Return, by index of their first line, the headings that the outline names.

    A bookmark whose words are not found on its page still becomes a heading, at the top of that page.
    """
    by_page: dict[int, list[int]] = defaultdict(list)
    for index, line in enumerate(lines):
        by_page[line.page].append(index)
    headings: dict[int, list[Heading]] = defaultdict(list)
    after = -1
    for bookmark in bookmarks:
        wanted = {_key(bookmark.title), _key(_NUMBERING.sub("", bookmark.title))} - {""}
        places = [
            index
            for page in (bookmark.page, bookmark.page + 1)
            for index in by_page.get(page, ())
            if not lines[index].mono
            and not lines[index].cells
            and (bookmark.top is None or page > bookmark.page or _reaches(lines[index], bookmark))
        ]
        found = next(
            ((index, used) for index in places if index > after and (used := _matches(lines, index, wanted))), None
        )
        if found is None:
            place = _place(lines, by_page.get(bookmark.page, ()), bookmark, after)
            if place is not None:
                heading = _begun_title(lines[place], bookmark)
                headings[place].append(heading)
                after = place if heading.lines else after
            continue
        index, used = found
        title = fold(" ".join(line.text for line in lines[index : index + used]))
        headings[index].append(Heading(bookmark.level, title, used))
        after = index + used - 1
    for index, line in enumerate(lines):  # outlines often end at some depth
        if index not in headings and (depth := _numbered_depth(lines, index)):
            headings[index] = [Heading(depth, fold(line.text), 1)]
    return headings


def _reaches(line: Line, bookmark: Bookmark) -> bool:
    return line.bottom > (bookmark.top or 0.0) - 30  # some programs point below the heading


def _place(lines: Sequence[Line], page: Sequence[int], bookmark: Bookmark, after: int) -> int | None:
    """Return the first line at or below the place on its page that a bookmark points to."""
    here = [index for index in page if index > after]
    if bookmark.top is not None:
        here = [index for index in here if lines[index].bottom > bookmark.top - 2] or here[-1:]
    return here[0] if here else None


def _begun_title(line: Line, bookmark: Bookmark) -> Heading:
    """Return the heading that a line shows where it begins with the bookmark's words ("t Matrix Transpose")."""
    title = fold(bookmark.title)
    goes_on = line.text.startswith(f"{title} ") and not line.mono and len(line.text) <= 100
    if goes_on and bookmark.top is not None and not ENDS_SENTENCE.search(line.text):
        return Heading(bookmark.level, line.text, 1)
    return Heading(bookmark.level, title, 0)


def _numbered_depth(lines: Sequence[Line], index: int) -> int:
    """Return the level of a bold line with a number of three parts or more that stands alone; else 0."""
    line = lines[index]
    found = _DEEP_NUMBER.match(line.text)
    if not found or not line.bold or line.mono or line.cells or len(line.text) > 100:
        return 0
    after = lines[index + 1] if index + 1 < len(lines) else None
    alone = after is None or after.page != line.page or after.top - line.bottom > 0.4 * line.size
    return found[1].count(".") + 1 if alone else 0


def _matches(lines: Sequence[Line], index: int, wanted: set[str]) -> int:
    """Return how many lines from `index` on make up a wanted title; 0 if they do not."""
    text = ""
    for used in range(1, 5):
        if index + used > len(lines) or lines[index + used - 1].page != lines[index].page:
            return 0
        text = f"{text} {lines[index + used - 1].text}".strip()
        if _key(text) in wanted or _key(_NUMBERING.sub("", text)) in wanted:
            return used
        if len(_key(text)) > 20 + max(map(len, wanted), default=0):
            return 0
    return 0


def headings_of_fonts(lines: Sequence[Line]) -> dict[int, list[Heading]]:
    """Guess headings: short lines in larger type than the text, or bold and apart from what surrounds them."""
    body = body_size(lines)
    sizes = {line.size for line in lines if not line.mono}
    larger = [size for size in sorted(sizes, reverse=True) if size > 1.12 * body]
    ranks: list[float] = []
    for size in larger:
        if not ranks or size < 0.93 * ranks[-1]:
            ranks.append(size)
    headings: dict[int, list[Heading]] = {}
    index = 0
    while index < len(lines):
        line = lines[index]
        level = _level(lines, index, body, ranks)
        if not level:
            index += 1
            continue
        used = 1
        while (
            used < 3
            and index + used < len(lines)
            and lines[index + used].page == line.page
            and abs(lines[index + used].size - line.size) < 0.1
            and lines[index + used].bold == line.bold
            and lines[index + used].top - lines[index + used - 1].bottom < 0.8 * line.size
        ):
            used += 1
        title = fold(" ".join(one.text for one in lines[index : index + used]))
        headings[index] = [Heading(level, title, used)]
        index += used
    return headings


def _level(lines: Sequence[Line], index: int, body: float, ranks: list[float]) -> int:
    line = lines[index]
    text = line.text
    if line.mono or line.cells or len(text) > 120 or not any(map(str.isalpha, text)) or _is_bare_item(line):
        return 0
    if line.size > 1.12 * body:
        return min(1 + next((rank for rank, size in enumerate(ranks) if line.size >= 0.93 * size), 0), 4)
    before = lines[index - 1] if index else None
    apart = before is None or before.page != line.page or line.top - before.bottom > 0.5 * line.size
    if line.bold and apart and len(text) <= 80 and not ENDS_SENTENCE.search(text) and line.size >= 0.95 * body:
        return min(len(ranks) + 1, 4)
    return 0


def _is_bare_item(line: Line) -> bool:
    return bool(BULLET.match(line.words[0].text))


def add_slide_titles(headings: dict[int, list[Heading]], lines: Sequence[Line]) -> None:
    """Add the titles of slides that the outline does not name: the first line of a page, in larger type."""
    body = body_size(lines)
    deepest = max((each.level for found in headings.values() for each in found), default=1)
    page = -1
    for index, line in enumerate(lines):
        if line.page != page:
            page = line.page
            is_text = not line.mono and not line.cells
            if index not in headings and line.size > 1.12 * body and len(line.text) <= 100 and is_text:
                headings[index] = [Heading(deepest, fold(line.text), 1)]


def first_page_title(lines: Sequence[Line]) -> str:
    """Return the title that a first page shows: its largest lines, if they are larger than the text."""
    first = [line for line in lines if line.page == lines[0].page][:12]
    largest = max(line.size for line in first)
    if largest <= 1.2 * body_size(lines):
        return ""
    title = ""
    for line in first:
        if line.size >= 0.95 * largest and len(title) < 120:
            title += f" {line.text}"
        elif title:
            break
    return fold(title) if any(map(str.isalpha, title)) and len(title) < 200 else ""


__all__ = ["Bookmark", "Heading", "add_slide_titles", "first_page_title", "headings_of_fonts", "headings_of_outline"]
