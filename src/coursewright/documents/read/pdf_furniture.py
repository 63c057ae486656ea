"""Finds what stands on every page of a PDF without being text: running headers and footers, page numbers, contents."""

import re
from collections import Counter, defaultdict
from itertools import pairwise

from coursewright.documents.read.pdf_lines import Line, body_size

_DIGITS = re.compile(r"\d+|\b[ivxlc]+\b", re.IGNORECASE)
_PAGE_NUMBER = re.compile(
    r"^[-–— ]*(?:page |seite |p\. ?)?(?:\d{1,4}|[ivxlc]{1,7})(?: ?(?:/|of|von|sur) ?\d{1,4})?[-–— ]*$", re.I
)
_LEADERS = re.compile(r"(?:\s?\.){4,}\s*(?:\d{1,4}|[ivxlc]+)?$|\s…+\s*\d+$")
_INDEX_ENTRY = re.compile(r",\s*\d{1,4}(?:[–-]\d{1,4})?(?:,\s*\d{1,4}(?:[–-]\d{1,4})?)*,?$")
_OUTER_NUMBER = re.compile(r"^\d{1,4}(?=\s)|(?<=\s)\d{1,4}$")
_OFTEN = 4  # pages
_EDGE = 2  # lines at the top and at the bottom that may be furniture


def without_furniture(pages: list[list[Line]]) -> list[Line]:
    """Return the lines of all pages in order, without furniture.

    A line at the edge is furniture when, digits aside, it stands at the edge of at least three pages, or when it
    stands at a height where most pages have such a line; but larger type than the text's is a title.
    A row of a table is furniture where it stands again, once on nearly every page.
    """
    largest = 1.3 * body_size([line for page in pages for line in page])
    edges = [[line for line in _edge_lines(page) if line.size <= largest] for page in pages]
    texts = Counter(_shape(line.text) for edge in edges for line in edge)
    bands = Counter(
        round(line.top / 4) for edge in edges for line in edge if texts[_shape(line.text)] >= 3 or _is_number(line)
    )
    common = {band for band, count in bands.items() if len(pages) >= 4 and count >= 0.4 * len(pages)}
    counted = _counted([[line for line in _outermost(page) if line.size <= largest] for page in pages])
    everywhere = Counter(text for page in pages for text in {line.text for line in page})
    running = _running_rows(pages)
    kept: list[Line] = []
    for page, edge in zip(pages, edges, strict=True):
        furniture = {
            id(line)
            for line in edge
            if _is_number(line)
            or texts[_shape(line.text)] >= max(3, len(pages) // 100)
            or round(line.top / 4) in common
        }
        furniture |= {id(line) for line in _outermost(page) if texts[_shape(line.text)] >= max(3, len(pages) // 10)}
        furniture |= {id(line) for line in _outermost(page) if id(line) in counted}
        if _is_index(page):
            continue
        furniture |= _agenda(page, everywhere)
        furniture = {id(line) for line in page if id(line) in furniture and not line.cells} | running
        kept += [line for line in page if id(line) not in furniture and not _LEADERS.search(line.text)]
    return kept


def _running_rows(pages: list[list[Line]]) -> set[int]:
    """Return the rows of tables that stand once on nearly every page, but for the first time."""
    seen: dict[str, list[int]] = defaultdict(list)
    for page in pages:
        shapes = Counter(_shape(line.text) for line in page)
        for line in page:
            if line.cells and shapes[_shape(line.text)] == 1:
                seen[_shape(line.text)].append(id(line))
    return {line for lines in seen.values() if len(lines) >= max(3, 0.8 * len(pages)) for line in lines[1:]}


def _counted(edges: list[list[Line]]) -> set[int]:
    """Return the lines that begin or end with a number that counts the pages."""
    shifts: dict[int, list[int]] = defaultdict(list)  # by the difference of number and page
    for edge in edges:
        for line in edge:
            for number in _OUTER_NUMBER.findall(line.text):
                shifts[int(number) - line.page].append(id(line))
    return {line for lines in shifts.values() if len(lines) >= max(4, 0.3 * len(edges)) for line in lines}


def _outermost(page: list[Line]) -> list[Line]:
    """Return the first and the last line: on a full page no white space sets a running title apart."""
    return [min(page, key=lambda line: line.top), max(page, key=lambda line: line.top)] if page else []


def _agenda(page: list[Line], everywhere: Counter[str]) -> set[int]:
    """Return the lines of a slide that only says where in the talk we are: most of them stand on many slides."""
    again = [line for line in page if everywhere[line.text] >= _OFTEN and not line.mono]
    return {id(line) for line in again} if len(again) >= 3 and 2 * len(again) >= len(page) else set()


def _is_index(page: list[Line]) -> bool:
    """Tell whether a page belongs to an index: most of its lines end with page numbers after a comma."""
    entries = sum(bool(_INDEX_ENTRY.search(line.text)) for line in page)
    return len(page) >= 12 and entries >= 0.6 * len(page)


def _edge_lines(page: list[Line]) -> list[Line]:
    """Return the lines at the top and at the bottom that white space sets apart from the text, and page numbers."""
    ordered = sorted(page, key=lambda line: line.top)
    if len(ordered) <= 2:
        return ordered
    gaps = [max(0.0, below.top - above.bottom) for above, below in pairwise(ordered)]
    usual = sorted(gaps)[(len(gaps) - 1) // 2]
    return [
        *_apart(ordered, gaps, usual),
        *_apart(ordered[::-1], gaps[::-1], usual),
    ]


def _apart(lines: list[Line], gaps: list[float], usual: float) -> list[Line]:
    """Return the first lines (one or two) up to a wide gap, from an edge of the page inwards."""
    for count in range(1, _EDGE + 1):
        if gaps[count - 1] > max(lines[count - 1].size, 1.3 * usual):
            return lines[:count]
    return lines[:1] if _is_number(lines[0]) else []


def _shape(text: str) -> str:
    return _DIGITS.sub("#", text).strip().lower()


def _is_number(line: Line) -> bool:
    return bool(_PAGE_NUMBER.match(line.text.strip()))


__all__ = ["without_furniture"]
