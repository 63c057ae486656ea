"""A row of a table as one line with cells, and rows put together: a table goes on over pages with its header again."""

from collections.abc import Sequence
from dataclasses import replace

from coursewright.documents.read.pdf_lines import Line, Word
from coursewright.documents.read.pdf_text import running_text

PlacedWord = tuple[Word, float, float]  # with its left and right edges


def row_of(cells: Sequence[Sequence[Line]], *, head: bool) -> Line:
    """Return a row as a line; its `cells` hold the lines of each."""
    parts = [line for cell in cells for line in cell]
    return Line(
        words=tuple(word for line in parts for word in line.words),
        page=parts[0].page,
        left=min(line.left for line in parts),
        right=max(line.right for line in parts),
        top=min(line.top for line in parts),
        bottom=max(line.bottom for line in parts),
        size=parts[0].size,
        cells=tuple(map(tuple, cells)),
        head=head,
    )


def part_of(line: Line, words: Sequence[PlacedWord]) -> Line:
    """Return some words of a line as a line."""
    first = replace(words[0][0], glued=False)
    return replace(line, words=(first, *(word for word, _, _ in words[1:])), left=words[0][1], right=words[-1][2])


def goes_on(first: Line, last: Line, line: Line) -> bool:
    """Tell whether a line is a further row of the table that began with `first` and now ends with `last`."""
    if len(first.cells) != len(line.cells):
        return False
    if last.page == line.page:
        return not line.head
    return line.page == last.page + 1 and (not line.head or line.text == first.text)


def table_rows(rows: Sequence[Line], known: set[str]) -> list[list[str]]:
    """Return the texts of the cells, the header first: an empty one where the table has none.

    A header that is printed again is left out, and what a page begins with may be the rest of a row.
    """
    first = rows[0]
    kept: list[list[tuple[Line, ...]]] = []
    for above, row in zip((None, *rows), rows, strict=False):
        if row.head and kept:
            continue
        begins_page = above is not None and above.page != row.page
        if begins_page and not row.cells[0] and kept and 2 * sum(map(bool, row.cells)) <= len(row.cells):
            kept[-1] = [(*cell, *more) for cell, more in zip(kept[-1], row.cells, strict=True)]
        else:
            kept.append(list(row.cells))
    texts = [[running_text(cell, known).take().text if cell else "" for cell in row] for row in kept]
    return texts if first.head else [[""] * len(first.cells), *texts]


__all__ = ["PlacedWord", "goes_on", "part_of", "row_of", "table_rows"]
